"""Scores of prepared scans: what slices, their neighbours and other planes have to say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lesionless import store
from lesionless.arrays import Slices
from lesionless.models.bundle import Bundle
from lesionless.preprocess.planes import turns
from lesionless.preprocess.prepared import PreparedScan
from lesionless.preprocess.white_matter import white_matter_at
from lesionless.scoring.filters import FILTERS
from lesionless.scoring.recipe import ScoreSettings, scored
from lesionless.stages.apply import apply, raw_score
from lesionless.stages.rebuild import rebuilder
from lesionless.stages.request import TrainRequest
from lesionless.stages.train import train_model


@pytest.fixture
def scan(prepared: Path) -> PreparedScan:
    """Return a scan whose slices are 8 mm apart, its pixels 4 mm."""
    return store.load(store.paths(prepared)[0])


@pytest.fixture(scope="module")
def intensity(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return train_model(prepared, tmp_path_factory.mktemp("model"), TrainRequest(model="intensity"))


@pytest.fixture
def cubes(scan: PreparedScan) -> PreparedScan:
    """Say of a scan that slices lie as close as pixels, and make it half as high as wide."""
    above = ((0, 32 - len(scan.image)), (0, 0), (0, 0))
    to_atlas = scan.geometry.index_to_atlas.copy()
    to_atlas[:3, 0] *= np.linalg.norm(to_atlas[:3, 1]) / np.linalg.norm(to_atlas[:3, 0])
    return replace(
        scan,
        image=np.pad(scan.image, above),
        brain=np.pad(scan.brain, above),
        geometry=replace(scan.geometry, index_to_atlas=to_atlas),
    )


def test_a_score_outside_white_matter_counts_less(scan: PreparedScan, intensity: Bundle) -> None:
    scoring = {**intensity.scoring, "outside_white_matter": 0.25}
    plain = apply(intensity, scan, rebuilder(intensity.method)).score
    after = replace(intensity, scoring=scoring)
    weighted = apply(after, scan, rebuilder(intensity.method)).score
    place = white_matter_at(scan.geometry.index_to_atlas, scan.image.shape, "mni152")
    # both scores are (raw - centre) / spread
    centre, spread = (float(intensity.normative[key]) for key in ("centre", "spread"))
    raw, less = (spread * score + centre for score in (plain, weighted))
    inside = scan.brain
    np.testing.assert_allclose(less[inside], (raw * (0.25 + 0.75 * place))[inside], atol=1e-5)
    assert (less < 0.5 * raw)[inside].any()


def test_thick_slices_are_left_to_themselves(scan: PreparedScan, intensity: Bundle) -> None:
    scores = [
        apply(
            replace(intensity, scoring={**intensity.scoring, "reach_mm": mm}), scan, rebuild
        ).score
        for rebuild in [rebuilder(intensity.method)]
        for mm in (0.0, 5.0, 12.0)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert (scores[2] > scores[0] + 0.1).any()
    assert (scores[2][~scan.brain] == 0).all()


def test_slices_that_were_not_rebuilt_have_no_say_in_their_neighbours(scan: PreparedScan) -> None:
    first = replace(scan, image=scan.image[:5], brain=scan.brain[:5])
    settings, some = ScoreSettings(reach_mm=20.0), np.arange(len(scan.image)) < 5

    def rebuild(seen: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        return seen.image * 0.9 * some[: len(seen.image), np.newaxis, np.newaxis]

    raw = raw_score(scan, rebuild, settings, space="mni152", wanted=some).score
    alone = raw_score(first, rebuild, settings, space="mni152").score
    np.testing.assert_allclose(raw[:5], alone, atol=1e-6)
    assert (raw[5:] == 0).all()
    assert np.abs(raw_score(scan, rebuild, settings, space="mni152").score[:5] - alone).max() > 0.1


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("name", FILTERS)
def test_filters_see_the_slices_beside_those_that_are_wanted(
    scan: PreparedScan, name: str, size: int
) -> None:
    settings = ScoreSettings(filter=name, filter_size=size)
    wanted = np.zeros(len(scan.image), dtype=bool)
    wanted[[4, 5, 9]] = True

    def rebuild(seen: PreparedScan, asked: np.ndarray, *, glance: bool = False) -> Slices:
        noise = np.random.default_rng(0).random(seen.image.shape, np.float32)
        return noise * asked[:, np.newaxis, np.newaxis]

    whole = raw_score(scan, rebuild, settings, space="mni152")
    some = raw_score(scan, rebuild, settings, space="mni152", wanted=wanted)
    np.testing.assert_array_equal(some.score[wanted], whole.score[wanted])
    np.testing.assert_array_equal(some.reconstruction[wanted], whole.reconstruction[wanted])
    assert some.score[wanted].any()
    assert not some.score[~wanted].any() and not some.reconstruction[~wanted].any()


def test_an_eroded_rim_has_no_say_in_neighbouring_slices(scan: PreparedScan) -> None:
    settings = ScoreSettings(reach_mm=20.0, erosion_pixels=2, filter="none")
    inside = scored(scan.brain, settings)
    even = replace(scan, image=np.where(scan.brain, np.float32(0.5), 0))
    raw = raw_score(even, _nothing, settings, space="mni152").score
    np.testing.assert_allclose(raw[inside], 0.5)
    assert (raw[~inside] == 0).all()


def _nothing(scan: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
    return np.zeros_like(scan.image)


def test_what_is_lesion_is_lesion_in_all_planes(cubes: PreparedScan) -> None:
    """Planes that take all, a half and a tenth away give the mean, the axial one counts twice."""
    kept = {cubes.name: 0.0, f"{cubes.name}_turned-1": 0.5, f"{cubes.name}_turned-2": 0.9}

    def rebuild(seen: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        assert glance == (seen.name != cubes.name)
        return seen.image * np.float32(kept[seen.name])

    settings = ScoreSettings(filter="none", all_planes=True)
    made = raw_score(cubes, rebuild, settings, space="mni152")
    inside = _between_seen(cubes)
    expected = cubes.image * 0.05**0.25
    np.testing.assert_allclose(made.score[inside], expected[inside], rtol=1e-5)
    assert (made.reconstruction == 0).all()
    axial = raw_score(cubes, rebuild, replace(settings, all_planes=False), space="mni152")
    np.testing.assert_array_equal(axial.score, cubes.image * cubes.brain)


def _between_seen(scan: PreparedScan) -> np.ndarray:
    """Return brain in every second row and column, which other planes see."""
    inside = scan.brain.copy()
    inside[:, 1::2] = inside[:, :, 1::2] = False
    return inside


def test_every_second_slice_of_other_planes_is_rebuilt(cubes: PreparedScan) -> None:
    """The others get the mean of those beside them."""
    even = replace(cubes, image=np.full_like(cubes.image, 0.5), brain=np.ones_like(cubes.brain))
    asked = {}

    def rebuild(seen: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        asked[seen.name] = wanted
        n_slices = np.arange(len(seen.image), dtype=np.float32)[:, np.newaxis, np.newaxis]
        return np.clip(seen.image - (n_slices / 200 if glance else 0.25), 0, 1)

    settings = ScoreSettings(filter="none", all_planes=True)
    made = raw_score(even, rebuild, settings, space="mni152").score
    for turn in turns(even):
        wanted = asked[turn.scan(even).name]
        assert wanted[::2].all() and not wanted[1::2].any()
    row, column = np.mgrid[:63, :63] / 200
    expected = np.broadcast_to(0.5 * (row * column) ** 0.25, made[:, :63, :63].shape)
    np.testing.assert_allclose(made[:, :63, :63], expected, rtol=1e-5)


@pytest.mark.parametrize(("above", "levels"), [(0, [5]), (1, [])])
def test_thick_slices_are_stretched_for_other_planes(
    scan: PreparedScan, above: int, levels: list[int]
) -> None:
    """What a coronal slice gives at a slice's level counts there, between two it does not."""
    n_rows = scan.image.shape[1]
    full = replace(scan, image=np.full_like(scan.image, 0.5), brain=np.ones_like(scan.brain))
    coronal, _ = turns(full)
    level = round(5 * coronal.stretch) + (n_rows - coronal.height) // 2 + above

    def rebuild(seen: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        assert seen.image.shape == (n_rows, n_rows, n_rows) or seen is full
        if seen.name == coronal.scan(full).name:
            return np.where(np.arange(n_rows)[:, np.newaxis] == level, 0, seen.image)
        return np.zeros_like(seen.image)

    settings = ScoreSettings(filter="none", all_planes=True)
    raw = raw_score(full, rebuild, settings, space="mni152").score
    np.testing.assert_array_equal(np.flatnonzero(raw.any(axis=(1, 2))), levels)


def test_other_planes_of_thick_slices_lean_across_their_own(scan: PreparedScan) -> None:
    """They are pixels apart; axial slices, 8 mm apart, are left to themselves."""
    full = replace(scan, image=np.full_like(scan.image, 0.5), brain=np.ones_like(scan.brain))

    def rebuild(seen: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        rebuilt = np.zeros_like(seen.image)
        if seen.name.endswith("-2"):
            rebuilt = seen.image.copy()
            rebuilt[32] = 0
        return rebuilt

    settings = ScoreSettings(filter="none", all_planes=True)
    columns = [
        np.flatnonzero(raw_score(full, rebuild, how, space="mni152").score.any(axis=(0, 1)))
        for how in (settings, replace(settings, reach_mm=4.0))  # a pixel
    ]
    np.testing.assert_array_equal(columns[0], [31, 32, 33])
    np.testing.assert_array_equal(columns[1], range(30, 35))


def test_slices_that_are_apart_as_far_as_the_reach_but_for_rounding_lean(
    cubes: PreparedScan,
) -> None:
    """Two slices of 4 mm lie within 8 mm."""
    to_atlas = cubes.geometry.index_to_atlas * [[1 + 1e-12], [1 + 1e-12], [1 + 1e-12], [1]]
    wider = replace(cubes, geometry=replace(cubes.geometry, index_to_atlas=to_atlas))
    noise = np.random.default_rng(1).random(cubes.image.shape).astype(np.float32)

    def rebuild(seen: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        return seen.image * noise

    settings = ScoreSettings(filter="none", reach_mm=8.0)
    scores = [raw_score(scan, rebuild, settings, space="mni152").score for scan in (cubes, wider)]
    np.testing.assert_array_equal(*scores)


def test_filters_see_what_was_rebuilt_alone(cubes: PreparedScan) -> None:
    """Of slices that were not, the whole image would be left over."""

    def rebuild(seen: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        return seen.image * wanted[:, np.newaxis, np.newaxis]

    def not_axial(seen: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        return rebuild(seen, wanted) if glance else np.zeros_like(seen.image)

    settings = ScoreSettings(filter="median-3d", filter_size=3, all_planes=True)
    assert (raw_score(cubes, not_axial, settings, space="mni152").score == 0).all()
    axial = replace(settings, all_planes=False)
    assert (raw_score(cubes, not_axial, axial, space="mni152").score > 0).any()


def test_each_plane_leans_on_its_own_neighbours(cubes: PreparedScan) -> None:
    """What one pixel of one sagittal slice gives reaches sideways, and nowhere else."""
    even = replace(cubes, image=np.full_like(cubes.image, 0.5), brain=np.ones_like(cubes.brain))

    def rebuild(seen: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        if not seen.name.endswith("-2"):
            return np.zeros_like(seen.image)
        rebuilt = seen.image.copy()
        rebuilt[32, 32, 32] = 0
        return rebuilt

    settings = ScoreSettings(filter="none", all_planes=True, reach_mm=8.5)
    raw = raw_score(even, rebuild, settings, space="mni152").score
    slice_index, row, column = np.argwhere(raw > 0).T
    assert set(slice_index) == {32 - (64 - len(raw)) // 2} and set(row) == {32}
    np.testing.assert_array_equal(column, range(29, 36))  # 2 pixels of 4 mm, and 1 filled in


def test_an_eroded_rim_does_not_dilute_other_planes(cubes: PreparedScan) -> None:
    """Nothing stands out in it, and what does beside it is as bright."""
    settings = ScoreSettings(filter="none", all_planes=True, erosion_pixels=2, reach_mm=8.5)
    inside = scored(cubes.brain, settings)
    even = replace(cubes, image=np.where(cubes.brain, np.float32(0.5), 0))
    rebuilt = {cubes.name: np.zeros_like(even.image)}
    rim = np.where(inside, np.float32(0), even.image)
    rebuilt |= {turn.scan(cubes).name: turn.there(rim) for turn in turns(cubes)}

    def rebuild(seen: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        return rebuilt[seen.name]

    score = raw_score(even, rebuild, settings, space="mni152").score
    every_second = inside & _between_seen(cubes)
    np.testing.assert_allclose(score[every_second], 0.5, rtol=1e-5)
    assert (score[~inside] == 0).all()


def test_an_eroded_rim_has_no_say_in_other_planes(cubes: PreparedScan) -> None:
    """All stands out in axial slices, in the others the rim alone."""
    settings = ScoreSettings(filter="none", all_planes=True, erosion_pixels=2, reach_mm=8.5)
    inside = scored(cubes.brain, settings)
    even = replace(cubes, image=np.where(cubes.brain, np.float32(0.5), 0))
    rebuilt = {cubes.name: np.zeros_like(even.image)}
    rebuilt |= {turn.scan(cubes).name: turn.there(even.image * inside) for turn in turns(cubes)}

    def rebuild(seen: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        return rebuilt[seen.name]

    made = raw_score(even, rebuild, settings, space="mni152")
    np.testing.assert_array_equal(made.reconstruction, rebuilt[cubes.name])
    assert (made.score == 0).all()


def test_other_planes_of_some_slices(cubes: PreparedScan) -> None:
    """Only what crosses the wanted slices is rebuilt, and only they are scored, but for the rim."""
    some = np.isin(np.arange(len(cubes.image)), np.flatnonzero(cubes.brain.any(axis=(1, 2)))[2:4])
    asked = []

    def rebuild(seen: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        asked.append(wanted)
        return seen.image * np.float32(0.5) * wanted[:, np.newaxis, np.newaxis]

    settings = ScoreSettings(filter="none", all_planes=True, erosion_pixels=2, reach_mm=8.5)
    made = raw_score(cubes, rebuild, settings, space="mni152", wanted=some)
    counted = scored(cubes.brain, settings) & some[:, np.newaxis, np.newaxis]
    scan_brain = cubes.brain[some]
    assert scan_brain.any(axis=(0, 1)).sum() < cubes.brain.any(axis=(0, 1)).sum()
    every_second = np.arange(64) % 2 == 0
    across = scan_brain.any(axis=0)
    crossing = (across.any(axis=axis) & every_second for axis in (1, 0))
    for wanted, expected in zip(asked, (some, *crossing), strict=True):
        np.testing.assert_array_equal(wanted, expected)
    np.testing.assert_array_equal(made.score > 0, counted)
    np.testing.assert_allclose(made.reconstruction[some], cubes.image[some] / 2, rtol=1e-6)
    assert (made.reconstruction[~some] == 0).all()
