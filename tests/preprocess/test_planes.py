"""The two other planes of a scan: the way there and back, and where each voxel lies."""

from dataclasses import replace

import numpy as np
import pytest

from lesionless.preprocess.planes import turns
from lesionless.preprocess.prepared import Geometry, PreparedScan

AXIAL = (6, 9, 9)  # three voxels short of a cube


@pytest.fixture
def scan() -> PreparedScan:
    return _scan(np.random.default_rng(5).random(AXIAL).astype(np.float32) * 0.9 + 0.1)


def _scan(image: np.ndarray) -> PreparedScan:
    to_scan, to_atlas = np.eye(4), np.eye(4)
    to_scan[:3] = [[0, 0, 1, 3], [0, 1, 0, 5], [1, 0, 0, 7]]
    to_atlas[:3] = [[0, 0, -2, 8], [0, -2, 0, 9], [2, 0, 0, -4]]
    geometry = Geometry((20, 20, 20), np.diag([2.0, 2, 2, 1]), to_scan, to_atlas, "invented")
    return PreparedScan(
        name="sub-1_FLAIR",
        subject="1",
        image=image,
        brain=image > 0.2,
        lesion=image > 0.9,
        scan_brain=np.zeros((20, 20, 20), dtype=bool),
        geometry=geometry,
        offset=0.0,
        scale=1.0,
    )


def test_spacing_is_that_of_slices_rows_and_columns(scan: PreparedScan) -> None:
    stretched = scan.geometry.index_to_atlas @ np.diag([1.5, 1, 0.5, 1])
    assert replace(scan.geometry, index_to_atlas=stretched).atlas_spacing_mm == (3.0, 2.0, 1.0)


def test_there_and_back(scan: PreparedScan) -> None:
    for turn in turns(scan):
        turned = turn.there(scan.image)
        assert turned.shape == (9, 9, 9)
        assert turned.sum() == pytest.approx(scan.image.sum())
        np.testing.assert_array_equal(turn.back(turned), scan.image)


def test_coronal_slices_lie_front_to_back_and_sagittal_ones_side_by_side(
    scan: PreparedScan,
) -> None:
    coronal, sagittal = (turn.there(scan.image) for turn in turns(scan))
    np.testing.assert_array_equal(coronal[4, 1:7], scan.image[:, 4])
    np.testing.assert_array_equal(sagittal[4, :, 1:7], scan.image[:, :, 4].T)


def test_every_voxel_keeps_its_place_in_scan_and_atlas(scan: PreparedScan) -> None:
    """A voxel is known by its value, which no other has."""
    axial_index = np.array([2, 7, 3, 1])
    value = scan.image[2, 7, 3]
    for turn in turns(scan):
        turned = turn.scan(scan)
        index = np.array([*np.argwhere(turned.image == value)[0], 1])
        for name in ("index_to_scan", "index_to_atlas"):
            there, before = getattr(turned.geometry, name), getattr(scan.geometry, name)
            np.testing.assert_allclose(there @ index, before @ axial_index)
        assert turned.name != scan.name
        assert turned.lesion is None
        np.testing.assert_array_equal(turned.brain, turned.image > 0.2)


def test_slices_farther_apart_than_pixels_are_interpolated(scan: PreparedScan) -> None:
    """At 1.5 pixels every third level lies at a slice, the others a third away from one."""
    turned = _thick(scan, 1.5)
    for turn in turns(turned):
        assert turn.height == 9
        cube = turn.there(turned.image).swapaxes(0, turn.axis)
        np.testing.assert_array_equal(cube[:7:3], turned.image[:5:2])
        between = (turned.image[0] + 2 * turned.image[1]) / 3
        np.testing.assert_allclose(cube[1], between, rtol=1e-5)
        brain = turn.there(turned.brain).swapaxes(0, turn.axis)
        np.testing.assert_array_equal(brain[1], turned.brain[1])
        seen = turn.scan(turned)
        np.testing.assert_array_equal(seen.image > 0, seen.brain)


def test_between_slices_a_level_lies_between_their_places(scan: PreparedScan) -> None:
    turned = _thick(scan, 1.5)
    for turn in turns(turned):
        seen = turn.scan(turned)
        index = [0, 0, 0, 1]
        index[turn.axis] = 4  # two thirds of the way from the third slice to the fourth
        for name in ("index_to_scan", "index_to_atlas"):
            there, before = getattr(seen.geometry, name), getattr(turned.geometry, name)
            np.testing.assert_allclose(there @ index, before @ [8 / 3, 0, 0, 1])
        assert seen.geometry.atlas_spacing_mm == pytest.approx((2.0, 2.0, 2.0))


def test_slices_about_as_far_apart_as_pixels_are_left_as_they_are() -> None:
    """64 slices are 66 pixels high at 1.04."""
    image = np.random.default_rng(2).random((64, 70, 70)).astype(np.float32)
    near = _thick(_scan(image), 1.04)
    assert [(turn.stretch, turn.height) for turn in turns(near)] == [(1.0, 64)] * 2


@pytest.mark.parametrize("stretch", [0.8, 1.2, 1.5, 1.6])
def test_stretched_there_and_back(scan: PreparedScan, stretch: float) -> None:
    """What lies at a slice's level comes back, and what lies between two does not."""
    thick = _thick(scan, stretch)
    for turn in turns(thick):
        levels = np.zeros((9, 9, 9))
        levels += np.arange(9)
        back = turn.back(levels.swapaxes(2, turn.axis))
        expected = np.round(np.arange(6) * stretch) + (9 - turn.height) // 2
        np.testing.assert_array_equal(back[:, 0, 0], expected)
        image = turn.there(np.ones_like(thick.image))
        assert image.max() <= 1 and image.min() >= 0


def test_slabs_and_stacks_beyond_the_cube_are_not_turned(scan: PreparedScan) -> None:
    assert not list(turns(_thick(scan, 1.8)))
    low = replace(scan, image=scan.image[:4], brain=scan.brain[:4])
    assert [turn.height for turn in turns(_thick(low, 1.5))] == [5, 5]
    assert not list(turns(_thick(scan, 0.6)))
    for n_slices in (4, 10):
        other = np.zeros((n_slices, 9, 9), np.float32)
        assert not list(turns(replace(scan, image=other, brain=other > 0)))
    assert [turn.axis for turn in turns(scan)] == [1, 2]


def _thick(scan: PreparedScan, stretch: float) -> PreparedScan:
    """Say that slices are farther apart than pixels."""
    apart = np.diag([stretch, 1, 1, 1])
    before = scan.geometry
    geometry = replace(
        before,
        index_to_atlas=before.index_to_atlas @ apart,
        index_to_scan=before.index_to_scan @ apart,
    )
    return replace(scan, geometry=geometry)
