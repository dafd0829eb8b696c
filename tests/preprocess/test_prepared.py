"""The way back from prepared slices to the scan, and the level of slices."""

import numpy as np
import pytest

from lesionless.preprocess.prepared import Geometry, to_scan_grid


def geometry(index_to_scan: np.ndarray, shape=(16, 16, 6), index_to_atlas=None) -> Geometry:
    to_atlas = np.eye(4) if index_to_atlas is None else index_to_atlas
    return Geometry(shape, np.diag([2.0, 2, 5, 1]), index_to_scan, to_atlas, "box")


AXES = np.array([[0, 0, -1, 15], [0, -1, 0, 15], [1, 0, 0, 0], [0, 0, 0, 1.0]])
"""Slice k, row 15 - j, column 15 - i."""


def test_exact_indices_bring_values_back_exactly():
    slices = np.random.default_rng(0).random((6, 16, 16)).astype(np.float32)
    back = to_scan_grid(slices, geometry(AXES))
    np.testing.assert_allclose(back, slices[:, ::-1, ::-1].transpose(2, 1, 0), atol=1e-6)


def test_a_slice_goes_back_to_its_own_slice_only():
    turn = np.radians(9)
    matrix = AXES.copy()
    matrix[:2, 1:3] = matrix[:2, 1:3] @ [
        [np.cos(turn), -np.sin(turn)],
        [np.sin(turn), np.cos(turn)],
    ]
    matrix[2, 3] = 1  # the first prepared slice is the scan's second
    slices = np.zeros((4, 16, 16), dtype=np.float32)
    slices[2] = 1
    back = to_scan_grid(slices, geometry(matrix))
    assert back[:, :, 3].max() == pytest.approx(1)
    assert not back[:, :, [0, 1, 2, 4, 5]].any()


def test_labels_stay_what_they_are():
    slices = np.random.default_rng(0).integers(0, 2, (6, 16, 16)).astype(bool)
    matrix = AXES @ np.diag([1, 0.93, 0.93, 1])
    assert set(np.unique(to_scan_grid(slices, geometry(matrix), order=0))) <= {0.0, 1.0}


def test_beyond_the_slices_there_is_nothing():
    back = to_scan_grid(np.ones((2, 16, 16), dtype=np.float32), geometry(AXES))
    assert back[:, :, :2].all()
    assert not back[:, :, 2:].any()


@pytest.mark.parametrize("pixel_mm", [1.0, 2.0])
def test_level_is_that_of_the_middle_of_a_tilted_slice(pixel_mm):
    turn = np.radians(20)
    to_atlas = np.eye(4)
    to_atlas[:3, 0] = [0, 6 * np.sin(turn), 6 * np.cos(turn)]
    to_atlas[:3, 1] = [0, -pixel_mm * np.cos(turn), pixel_mm * np.sin(turn)]
    to_atlas[:3, 2] = [-pixel_mm, 0, 0]
    middle = (256 / pixel_mm - 1) / 2
    to_atlas[:3, 3] = -to_atlas[:3, 1:3].sum(axis=1) * middle
    one = geometry(AXES, index_to_atlas=to_atlas)
    assert one.level_mm(0) == pytest.approx(0)
    np.testing.assert_allclose(one.level_mm(np.arange(3)), np.arange(3) * 6 * np.cos(turn))


def test_scan_to_atlas_joins_the_two_ways():
    rng = np.random.default_rng(0)
    to_atlas = np.eye(4)
    to_atlas[:3] += rng.normal(0, 0.2, (3, 4))
    one = geometry(AXES, index_to_atlas=to_atlas)
    index = np.array([2, 3, 4, 1.0])
    scan_mm = one.scan_affine @ one.index_to_scan @ index
    np.testing.assert_allclose(one.scan_to_atlas @ scan_mm, to_atlas @ index)
