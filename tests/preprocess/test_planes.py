"""The two other planes of a scan: the way there and back, and where each voxel lies."""

from dataclasses import replace

import numpy as np
import pytest

from lesionless.preprocess.planes import turns
from lesionless.preprocess.prepared import Geometry, PreparedScan

AXIAL = (6, 9, 9)  # three voxels short of a cube


@pytest.fixture
def scan() -> PreparedScan:
    image = np.random.default_rng(5).random(AXIAL).astype(np.float32) * 0.9 + 0.1
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


def test_thick_slices_slabs_and_stacks_beyond_the_cube_are_not_turned(scan: PreparedScan) -> None:
    thick = scan.geometry.index_to_atlas @ np.diag([1.2, 1, 1, 1])
    assert not list(turns(replace(scan, geometry=replace(scan.geometry, index_to_atlas=thick))))
    for n_slices in (4, 10):
        other = np.zeros((n_slices, 9, 9), np.float32)
        assert not list(turns(replace(scan, image=other, brain=other > 0)))
    assert [turn.axis for turn in turns(scan)] == [1, 2]
