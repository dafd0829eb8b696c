"""The alignment finds a known move again, mends wrong axes, and admits defeat."""

from functools import lru_cache

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from lesionless.errors import RegistrationError
from lesionless.preprocess import ascent, starts
from lesionless.preprocess.atlas import MNI152, load_atlas
from lesionless.preprocess.register import atlas_mask, overlap, register, share_seen


@lru_cache(maxsize=1)
def flair() -> tuple[np.ndarray, np.ndarray]:
    """A FLAIR of the atlas brain: fluid dark, grey matter a little above white; and its affine."""
    from nilearn.datasets import load_mni152_gm_template, load_mni152_wm_template

    grey, white = (
        load(resolution=2) for load in (load_mni152_gm_template, load_mni152_wm_template)
    )
    signal = 105.0 * grey.get_fdata() + 95.0 * white.get_fdata()
    return ndimage.gaussian_filter(signal, 0.5), grey.affine


def moved_scan(seed: int, shape, spacing, *, noise: float = 4.0):
    """A phantom moved by a known random affine: image, brain, affine, and the true alignment.

    Rotation up to 20 degrees, scales 0.85 to 1.15, shift up to 30 mm.
    """
    rng = np.random.default_rng(seed)
    axis = rng.normal(size=3)
    turn = Rotation.from_rotvec(np.radians(rng.uniform(0, 20)) * axis / np.linalg.norm(axis))
    scan_to_atlas = np.eye(4)
    scan_to_atlas[:3, :3] = turn.as_matrix() @ np.diag(1 / rng.uniform(0.85, 1.15, 3))
    shift = rng.normal(size=3)
    shift *= rng.uniform(0, 30) / np.linalg.norm(shift)
    scan_to_atlas[:3, 3] = load_atlas(MNI152).middle_mm - scan_to_atlas[:3, :3] @ shift
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -np.array(spacing) * (np.array(shape) - 1) / 2
    signal, atlas_affine = flair()
    matrix = np.linalg.inv(atlas_affine) @ scan_to_atlas @ affine
    image = ndimage.affine_transform(signal, matrix[:3, :3], matrix[:3, 3], shape, order=1)
    image = np.hypot(image + rng.normal(0, noise, shape), rng.normal(0, noise, shape))
    brain = atlas_mask(shape, scan_to_atlas @ affine, load_atlas(MNI152))
    return image.astype(np.float32), brain, affine, scan_to_atlas


def displacement_mm(found: np.ndarray, true: np.ndarray, affine, brain) -> float:
    """Return how far, on average over the brain, the two alignments lie apart."""
    places = np.c_[np.argwhere(brain), np.ones(np.count_nonzero(brain))] @ affine.T
    return float(np.linalg.norm((places @ (found - true).T)[:, :3], axis=1).mean())


@pytest.mark.parametrize(
    ("seed", "shape", "spacing"),
    [(0, (64, 76, 64), (4.0, 4.0, 4.0)), (1, (96, 96, 26), (2.7, 2.7, 7.0))],
)
def test_a_known_move_is_found_again(seed, shape, spacing):
    image, brain, affine, true = moved_scan(seed, shape, spacing)
    found = register(image, brain, affine, load_atlas(MNI152))
    assert displacement_mm(found.scan_to_atlas, true, affine, brain) < 1.5
    assert found.dice > 0.95
    assert found.trusts_header


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 20))
def test_every_known_move_is_found_again(seed):
    image, brain, affine, true = moved_scan(seed, (96, 96, 26), (2.7, 2.7, 7.0))
    found = register(image, brain, affine, load_atlas(MNI152))
    assert displacement_mm(found.scan_to_atlas, true, affine, brain) < 0.5


def test_a_turned_header_leads_to_the_same_place():
    image, brain, affine, _ = moved_scan(6, (64, 64, 22), (4.0, 4.0, 8.0))
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", 15, degrees=True).as_matrix()
    first = register(image, brain, affine, load_atlas(MNI152)).scan_to_atlas
    other = register(image, brain, turn @ affine, load_atlas(MNI152)).scan_to_atlas
    assert displacement_mm(other @ turn, first, affine, brain) < 0.1


def test_axes_that_the_header_swaps_are_found():
    image, brain, affine, true = moved_scan(3, (60, 70, 60), (4.0, 4.0, 4.0))
    swap = np.array([[0, -1, 0, 0], [0, 0, 1, 0], [-1, 0, 0, 0], [0, 0, 0, 1.0]])
    found = register(image, brain, swap @ affine, load_atlas(MNI152))
    assert not found.trusts_header
    assert displacement_mm(found.scan_to_atlas @ swap, true, affine, brain) < 1.5


@pytest.mark.parametrize("number", range(1, 24))
def test_all_axes_that_a_header_may_swap_are_found(number: int):
    """A brain turned round fills the place of one that is not: overlap alone cannot tell."""
    image, brain, affine, true = moved_scan(3, (40, 47, 40), (6.0, 6.0, 6.0))
    swap = np.eye(4)
    swap[:3, :3] = starts._quarter_turns()[number]
    found = register(image, brain, swap @ affine, load_atlas(MNI152))
    assert displacement_mm(found.scan_to_atlas @ swap, true, affine, brain) < 1.5


def test_a_step_too_far_is_taken_back(monkeypatch: pytest.MonkeyPatch):
    """As from odd starts of thin slabs, whose scale may run away."""
    image, brain, affine, true = moved_scan(3, (40, 47, 40), (6.0, 6.0, 6.0))
    frame = affine.copy()
    frame[:3, :3] /= 6.0
    coarse = ascent.pair(image, brain, np.full(3, 6.0), load_atlas(MNI152), cell_mm=7.0)
    law, n_unknowns = ascent._LAWS["similarity"]
    best, pose = ascent.climb(coarse, true @ frame, "similarity")
    far = []

    def running_away(start: np.ndarray, step: np.ndarray) -> np.ndarray:
        far.append(np.abs(step).max() > 0.5)
        return np.full((4, 4), np.inf) if far[-1] else law(start, step)

    monkeypatch.setitem(ascent._LAWS, "similarity", (running_away, n_unknowns))
    pose = pose.copy()
    pose[0, 3] += 0.1
    value, reached = ascent.climb(coarse, pose, "similarity")
    assert any(far)
    assert value == pytest.approx(best, abs=1e-3)
    assert np.isfinite(reached).all()


@pytest.mark.parametrize(
    ("seed", "axis", "lost"), [(17, 0, slice(0.7, 1.0)), (9, 1, slice(0.0, 0.3))]
)
def test_a_mask_that_lacks_a_part_does_not_turn_the_brain_round(seed: int, axis: int, lost: slice):
    """The overlap of a turned one may be the better, though it fits half as well inside."""
    image, brain, affine, true = moved_scan(seed, (40, 47, 40), (6.0, 6.0, 6.0))
    inside = np.nonzero(brain.any(axis=tuple({0, 1, 2} - {axis})))[0]
    share = (np.arange(brain.shape[axis]) - inside[0]) / len(inside)
    np.moveaxis(brain, axis, 0)[(share >= lost.start) & (share < lost.stop)] = False
    try:
        found = register(image, brain, affine, load_atlas(MNI152))
    except RegistrationError:
        return
    assert displacement_mm(found.scan_to_atlas, true, affine, brain) < 5


def test_axes_that_are_right_stay():
    image, brain, affine, _ = moved_scan(3, (40, 47, 40), (6.0, 6.0, 6.0))
    assert register(image, brain, affine, load_atlas(MNI152)).trusts_header


def test_the_same_scan_gives_the_same_bits_and_units_do_not_matter():
    image, brain, affine, _ = moved_scan(4, (40, 48, 16), (6.0, 6.0, 12.0))
    atlas = load_atlas(MNI152)
    first = register(image, brain, affine, atlas).scan_to_atlas
    np.testing.assert_array_equal(register(image, brain, affine, atlas).scan_to_atlas, first)
    scaled = register(image * 1024, brain, affine, atlas).scan_to_atlas
    np.testing.assert_allclose(scaled, first, atol=1e-3)


def test_what_is_no_brain_is_refused():
    image = np.random.default_rng(0).random((40, 40, 20)).astype(np.float32)
    rod = np.zeros(image.shape, dtype=bool)
    rod[19:22, 4:36, 9:11] = True
    with pytest.raises(RegistrationError, match="found Dice"):
        register(image, rod, np.diag([4.0, 4, 8, 1]), load_atlas(MNI152))


def test_the_atlas_overlaps_itself():
    atlas = load_atlas(MNI152)
    assert overlap(atlas.mask, atlas.affine, atlas) == 1
    shifted = atlas.affine.copy()
    shifted[0, 3] += 300
    assert overlap(atlas.mask, shifted, atlas) == 0


def test_the_share_of_the_atlas_in_view():
    atlas = load_atlas(MNI152)
    whole = atlas.mask.shape
    assert share_seen(whole, atlas.affine, atlas) == 1
    half = (whole[0], whole[1], 80)
    wanted = atlas.mask[:, :, :80].sum() / atlas.mask.sum()
    assert share_seen(half, atlas.affine, atlas) == pytest.approx(wanted, abs=0.01)


def test_climbing_never_descends():
    image, brain, affine, true = moved_scan(5, (40, 48, 40), (6.0, 6.0, 6.0))
    spacing = np.array([6.0, 6.0, 6.0])
    both = ascent.pair(image, brain, spacing, load_atlas(MNI152), cell_mm=7.0)
    pose = true @ affine @ np.diag([*1 / spacing, 1])
    best = ascent.cost(both, pose)
    for kind in ("similarity", "affine"):
        value, reached = ascent.climb(both, pose, kind)
        assert value <= best
        assert value == pytest.approx(ascent.cost(both, reached))
        assert displacement_mm(reached, pose, np.diag([6.0, 6, 6, 1]), brain) < 3


def test_starts_cover_every_axis_order_once():
    turns = starts._quarter_turns()
    assert len({turn.tobytes() for turn in turns}) == 24
    np.testing.assert_array_equal(turns[0], np.eye(3))
    assert all(np.linalg.det(turn) == pytest.approx(1) for turn in turns)
