"""One scan through the whole preparation: what must not matter, what is kept, the way back."""

import itertools
import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.data.scan import Scan, read_mask, read_scan
from lesionless.errors import ScanError, UsageError
from lesionless.models.bundle import load
from lesionless.preprocess import pipeline, strip
from lesionless.preprocess.atlas import MNI152, load_atlas
from lesionless.preprocess.intensity import TISSUE_LEVEL
from lesionless.preprocess.pipeline import PrepareSettings, prepare_scan
from lesionless.preprocess.prepared import PreparedScan, to_scan_grid
from lesionless.preprocess.register import Registration
from lesionless.stages.segmented import cut, map_prepared

SHAPE = (30, 34, 18)
THICK = (6.0, 6.0, 8.0)
QUICK = PrepareSettings(strip="mask", n4=False, matrix=64)
DATA = os.environ.get("LESIONLESS_DATA")
real = pytest.mark.skipif(DATA is None, reason="LESIONLESS_DATA is not set: no real scans here")


def phantom(spacing=THICK) -> tuple[Scan, np.ndarray, np.ndarray]:
    """Return a scan with an ellipsoid brain, its mask, and a few lesions."""
    rng = np.random.default_rng(0)
    places = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1)
    mm = (places - (np.array(SHAPE) - 1) / 2) * spacing
    brain = np.linalg.norm(mm / [65, 80, 60], axis=-1) < 1
    lesion = np.linalg.norm(mm - [20, 10, 20], axis=-1) < 18
    image = np.where(brain, 100, 0) + 60 * lesion + np.abs(rng.normal(0, 6, SHAPE))
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-87, -116, -68]  # centre of the volume on that of the atlas brain
    return _scan(image, affine), brain, lesion


def _scan(image: np.ndarray, affine: np.ndarray) -> Scan:
    nifti = nib.Nifti1Image(image.astype(np.float32), affine)
    return Scan(Path("sub-1_FLAIR.nii.gz"), nifti.get_fdata(dtype=np.float32), affine, nifti.header)


@pytest.fixture
def aligned(monkeypatch):
    """Take the alignment as known: a tilt, a turn and a scale."""
    turn, tilt = np.radians([6.0, 9.0])
    yaw = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    pitch = [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    matrix = np.eye(4)
    matrix[:3, :3] = 1.05 * np.array(pitch) @ np.array(yaw)
    monkeypatch.setattr(pipeline, "register", lambda *_: Registration(matrix, 0.9, 0.5, True))


def prepared(scan, brain, lesion=None, settings=QUICK) -> PreparedScan:
    return prepare_scan(scan, settings, lesion=lesion, brain=brain, subject="1", name="sub-1_FLAIR")


AXIS_ORDERS = [
    np.c_[order, flips]
    for order in itertools.permutations(range(3))
    for flips in itertools.product((1, -1), repeat=3)
]


def reorder(scan: Scan, orientation: np.ndarray, *masks: np.ndarray):
    """Store a scan and its masks in another axis order, the header saying so."""
    arrays = [nib.orientations.apply_orientation(a, orientation) for a in (scan.image, *masks)]
    affine = scan.affine @ nib.orientations.inv_ornt_aff(orientation, scan.image.shape)
    return _scan(arrays[0], affine), *arrays[1:]


@pytest.mark.parametrize(
    ("spacing", "orientations"),
    [(THICK, AXIS_ORDERS), ((3.0, 3.0, 3.0), AXIS_ORDERS[5::14])],
    ids=["thick", "fine"],
)
def test_every_axis_order_gives_the_same_result_on_the_scans_grid(aligned, spacing, orientations):
    scan, brain, lesion = phantom(spacing)
    settings = replace(QUICK, matrix=32)
    first = prepared(scan, brain, lesion, settings)
    back = to_scan_grid(first.image, first.geometry)
    assert back.max() > 0
    for orientation in orientations:
        other = prepared(*reorder(scan, orientation, brain, lesion), settings)
        np.testing.assert_array_equal(other.image, first.image)
        np.testing.assert_array_equal(other.lesion, first.lesion)
        other_back = to_scan_grid(other.image, other.geometry)
        wanted = nib.orientations.apply_orientation(back, orientation)
        np.testing.assert_allclose(other_back, wanted, atol=1e-5)


@pytest.mark.parametrize(("gain", "offset"), [(1000, 0), (1, 500), (1 / 255, 0), (1, -100)])
def test_units_of_the_scan_do_not_matter(aligned, gain, offset):
    scan, brain, _ = phantom()
    settings = replace(QUICK, n4=True)
    first = prepared(scan, brain, settings=settings)
    other = prepared(_scan(scan.image * gain + offset, scan.affine), brain, settings=settings)
    assert np.abs(other.image - first.image).max() < 2e-3
    assert other.scale == pytest.approx(first.scale * gain, rel=1e-3)
    assert other.offset == pytest.approx(first.offset * gain + offset, abs=1e-2 * gain)


def test_the_image_is_scaled_by_its_tissue_and_says_how(aligned):
    scan, brain, _ = phantom()
    done = prepared(scan, brain)
    assert np.median(done.image[done.brain]) == pytest.approx(TISSUE_LEVEL, rel=0.03)
    assert done.image.min() == 0
    assert done.image.max() <= 1
    assert not done.image[~done.brain].any()
    assert done.offset + done.scale * TISSUE_LEVEL == pytest.approx(100, abs=6)


def test_thick_slices_are_never_mixed(aligned):
    scan, brain, _ = phantom()
    changed = scan.image.copy()
    changed[:, :, 9] *= 1.3
    one = prepared(scan, brain)
    two = prepared(_scan(changed, scan.affine), brain)
    ratio = two.image * two.scale - one.image * one.scale
    differs = np.abs(ratio).max(axis=(1, 2)) > 2  # of 100; the tissue level moves a little
    own_slice = one.geometry.index_to_scan[2, 0] * np.arange(len(differs))
    levels = own_slice + one.geometry.index_to_scan[2, 3]
    np.testing.assert_array_equal(levels[differs], [9])
    assert one.record["own_slices"]


def test_lesions_come_back_where_they_were(aligned):
    scan, brain, lesion = phantom((3.0, 3.0, 3.0))
    done = prepared(scan, brain, lesion, settings=replace(QUICK, matrix=256))
    back = to_scan_grid(done.lesion, done.geometry, order=0) > 0
    assert 2 * np.sum(back & lesion) / (back.sum() + lesion.sum()) > 0.95
    assert not done.record["own_slices"]


def test_without_reference_there_is_none(aligned):
    scan, brain, _ = phantom()
    assert prepared(scan, brain).lesion is None


def test_sagittal_stacks_are_resampled_and_it_is_said(aligned):
    scan, brain, _ = phantom((8.0, 6.0, 6.0))
    done = prepared(scan, brain)
    assert not done.record["own_slices"]
    assert "not axial" in done.record["messages"][0]
    assert len(done.image) > 60


@pytest.mark.parametrize("slices", ["all", "mid", "paper"])
def test_chosen_slices_lie_at_their_levels(aligned, slices):
    scan, brain, _ = phantom()
    done = prepared(scan, brain, settings=replace(QUICK, slices=slices))
    levels = done.geometry.level_mm(np.arange(len(done.image)))
    low, high = {"all": (-99, 99), "mid": (-7.4, 51.3), "paper": (-5, 15)}[slices]
    assert levels.min() >= low
    assert levels.max() < high
    assert np.all(np.diff(levels) > 0)
    assert done.image.shape == (len(levels), 64, 64)


def test_a_scan_without_the_chosen_slices_is_refused(aligned):
    scan, brain, _ = phantom()
    brain[:, :, 6:] = False
    with pytest.raises(ScanError, match="Expected slices with brain"):
        prepared(scan, brain, settings=replace(QUICK, slices="mid"))


def test_dark_brains_are_refused(aligned):
    scan, brain, _ = phantom()
    with pytest.raises(ScanError, match="brighter than its surroundings"):
        prepared(_scan(-scan.image, scan.affine), brain)


def test_unknown_slices_are_refused():
    with pytest.raises(UsageError, match="found 'middle'"):
        PrepareSettings(slices="middle")


@pytest.mark.parametrize(
    "impossible", [{"matrix": 0}, {"threads": 0}, {"curvature_iterations": -1}]
)
def test_settings_out_of_their_range_are_refused(impossible):
    with pytest.raises(UsageError, match=f"found .*{next(iter(impossible.values()))}"):
        PrepareSettings(**impossible)


def test_the_record_can_be_written_as_json(aligned):
    scan, brain, _ = phantom()
    done = prepared(scan, brain)
    record = json.loads(json.dumps(done.record))
    assert record["settings"] == asdict(QUICK)
    assert {"strip", "register", "resample", "denoise"} <= set(record["seconds"])
    assert all(isinstance(value, float) for value in done.quality.values())
    assert done.quality["brain_ml"] == pytest.approx(4 / 3 * np.pi * 65 * 80 * 60 / 1000, rel=0.05)


def test_axes_that_the_alignment_turned_are_read_as_turned(monkeypatch):
    scan, brain, lesion = phantom()
    monkeypatch.setattr(pipeline, "register", lambda *_: Registration(np.eye(4), 0.9, 0.5, True))
    true = prepared(scan, brain, lesion)
    lie = np.array([[0, -1.0, 0, 0], [0, 0, 1, 0], [-1, 0, 0, 0], [0, 0, 0, 1]])
    found = Registration(np.linalg.inv(lie), 0.9, 0.5, False)
    monkeypatch.setattr(pipeline, "register", lambda *_: found)
    lied = prepared(_scan(scan.image, lie @ scan.affine), brain, lesion)
    np.testing.assert_allclose(lied.image, true.image, atol=1e-5)
    np.testing.assert_array_equal(lied.lesion, true.lesion)
    np.testing.assert_allclose(lied.geometry.index_to_scan, true.geometry.index_to_scan, atol=1e-9)
    assert lied.record["own_slices"]
    assert "header" in lied.record["messages"][0]


def with_arm(brain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a mask that leaks into the scalp on the right, and the leak's outer end."""
    arm = np.zeros_like(brain)
    arm[15:, 16:19, 14:16] = True
    outer = arm.copy()
    outer[:28] = False
    return brain | arm, outer


def test_a_leak_of_stripping_is_cut_off_on_every_grid(aligned, monkeypatch):
    scan, brain, _ = phantom()
    leaky, outer = with_arm(brain)
    found = strip.Stripped(leaky, "deepbet")
    monkeypatch.setattr(strip, "brain_mask", lambda *_, **__: found)
    done = prepare_scan(scan, replace(QUICK, strip="deepbet"), subject="1", name="sub-1_FLAIR")
    assert not done.scan_brain[outer].any()
    assert not to_scan_grid(done.brain, done.geometry)[outer].any()
    assert done.scan_brain[brain].mean() > 0.97
    assert not done.image[~done.brain].any()


def test_a_mask_of_the_user_stays_as_it_is(aligned):
    scan, brain, _ = phantom()
    leaky, outer = with_arm(brain)
    done = prepared(scan, leaky)
    np.testing.assert_array_equal(done.scan_brain, leaky)
    assert to_scan_grid(done.brain, done.geometry)[outer].any()


def dice(one: np.ndarray, two: np.ndarray) -> float:
    return float(2 * np.sum(one & two) / (one.sum() + two.sum()))


@real
@pytest.mark.real
def test_lesions_of_a_real_1_mm_scan_survive_the_round_trip():
    folder = Path(DATA) / "mslub-mni" / "sub-07" / "anat"
    scan = read_scan(folder / "sub-07_space-MNI152_desc-brain_FLAIR.nii.gz")
    lesion = read_mask(folder / "sub-07_space-MNI152_label-lesion_mask.nii.gz", scan)
    settings = PrepareSettings(strip="none")
    done = prepare_scan(scan, settings, lesion=lesion, subject="07", name="sub-07_FLAIR")
    back = to_scan_grid(done.lesion, done.geometry, order=0) > 0
    assert dice(back, lesion) > 0.9
    assert done.quality["registration_dice"] > 0.95


def ms_scan() -> tuple[Scan, np.ndarray]:
    folder = Path(DATA) / "ms-tabriz"
    scan = read_scan(folder / "sub-105755" / "anat" / "sub-105755_FLAIR.nii.gz")
    path = folder / "derivatives" / "lesion" / "sub-105755" / "anat"
    return scan, read_mask(path / "sub-105755_label-lesion_mask.nii.gz", scan)


@real
@pytest.mark.real
@pytest.mark.parametrize("change", ["flipped", "offset", "turned", "uint8"])
def test_a_real_scan_stored_otherwise_gives_the_same_lesions(change):
    scan, _ = ms_scan()
    orientation = np.array([[0, 1], [1, 1], [2, 1]])
    image, affine = scan.image, scan.affine
    if change == "flipped":
        orientation = np.array([[2, -1], [0, 1], [1, -1]])
    if change == "uint8":
        image = np.round(np.clip(image, 0, 12000) / 12000 * 255)
    if change == "offset":
        image = image * 3 + 2000
    if change == "turned":  # the head lies 15 degrees askew
        turn = np.radians(15)
        rotation = np.eye(4)
        rotation[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
        affine = rotation @ affine
    (other,) = reorder(_scan(image, affine), orientation)
    first, second = (final_lesions(one) for one in (scan, other))
    wanted = nib.orientations.apply_orientation(first, orientation)
    assert dice(wanted > 0, second) > 0.97


def final_lesions(scan: Scan) -> np.ndarray:
    """Return the mask that `segment` writes with the shipped model."""
    done = prepare_scan(scan, PrepareSettings(), subject="1", name="sub-1_FLAIR")
    model = load("intensity")
    return cut(model, map_prepared(model, done), model.operating_point).segmentation


def test_the_embedded_atlas_is_the_one_it_is_called_after():
    atlas = load_atlas(MNI152)
    assert atlas.name == "MNI152NLin2009aSym"
    np.testing.assert_array_equal(np.sign(np.diag(atlas.affine)), 1)
    np.testing.assert_allclose(atlas.centre_mm, [0, -17, 5])


@pytest.mark.parametrize(("contrast", "warned"), [("FLAIR", True), ("T1w", False)])
def test_a_t1_weighted_scan_taken_for_a_flair_is_named(contrast, warned, caplog):
    from nilearn.datasets import load_mni152_template

    template = load_mni152_template(resolution=4)
    scan = _scan(template.get_fdata(), template.affine)
    settings = replace(QUICK, strip="none")
    done = prepare_scan(scan, settings, subject="1", name="sub-1_T1w", contrast=contrast)
    assert ("sub-1_T1w: grey matter" in caplog.text) == warned
    assert (done.quality.get("grey_to_white", 1) < 0.85) == warned
