"""Axial slices of a scan: independent of how it is stored, with the right spacing and volume."""

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest

from lesionless.report.axial import axial, axial_scan, most_telling, spread_out


def orientations():
    return [
        np.array(list(zip(axes, flips, strict=True)))
        for axes in permutations(range(3))
        for flips in product([1, -1], repeat=3)
    ]


@pytest.mark.parametrize("orientation", orientations())
def test_slices_do_not_depend_on_how_the_scan_is_stored(orientation):
    volume = np.random.default_rng(0).normal(size=(4, 5, 6))
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    stored = nib.orientations.apply_orientation(volume, orientation)
    its_affine = affine @ nib.orientations.inv_ornt_aff(orientation, volume.shape)
    np.testing.assert_array_equal(axial(stored, its_affine), axial(volume, affine))


def test_right_is_column_0_and_front_is_row_0():
    volume = np.zeros((4, 5, 6))
    volume[3, 4, 5] = 1  # the patient's right, front, top in RAS
    assert np.argwhere(axial(volume, np.eye(4))).tolist() == [[5, 0, 0]]


@pytest.fixture
def parts():
    brain = np.zeros((20, 24, 8), bool)
    brain[4:16, 5:20, 2:7] = True
    segmentation = np.zeros_like(brain)
    segmentation[6:8, 7:9, 3] = True
    segmentation[6:9, 7:9, 6] = True
    anomaly = np.where(segmentation, 5.0, 0)
    affine = np.diag([-0.5, 1.0, 4.0, 1.0])
    affine[2, 3] = -10
    return brain * 100.0, brain * 90.0, anomaly, segmentation, brain, affine


def turned(parts):
    image, reconstruction, anomaly, segmentation, brain, affine = parts
    return axial_scan(image, reconstruction, anomaly, segmentation, brain=brain, affine=affine)


def test_a_scan_is_cut_to_the_brain_with_its_spacing_and_heights(parts):
    scan = turned(parts)
    assert scan.image.shape == (5, 15 + 6, 12 + 6)
    assert scan.spacing_mm == (4, 1, 0.5)
    assert scan.aspect == 2
    assert scan.number.tolist() == [3, 4, 5, 6, 7]
    assert scan.height_mm.tolist() == [-2, 2, 6, 10, 14]


def test_the_volumes_of_slices_add_up(parts):
    assert turned(parts).volumes_ml.tolist() == pytest.approx([0, 0.008, 0, 0, 0.012])


def test_the_most_telling_slices_have_the_largest_area_and_keep_apart(parts):
    scan = turned(parts)
    assert most_telling(scan, 5).tolist() == [1, 4]
    assert most_telling(scan, 1).tolist() == [4]
    assert most_telling(scan, 5, apart_mm=40).tolist() == [4]


def test_without_a_lesion_the_highest_scores_are_most_telling(parts):
    image, reconstruction, anomaly, segmentation, brain, affine = parts
    anomaly[8, 8, 3] = 9
    none = np.zeros_like(segmentation)
    scan = axial_scan(image, reconstruction, anomaly, none, brain=brain, affine=affine)
    assert most_telling(scan, 1).tolist() == [1]


def test_spread_out_slices_include_both_ends():
    assert spread_out(100, 5).tolist() == [0, 25, 50, 74, 99]
    assert spread_out(3, 20).tolist() == [0, 1, 2]
