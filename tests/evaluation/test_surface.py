import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage
from scipy.spatial.distance import directed_hausdorff

from lesionless.evaluation.surface import (
    hausdorff,
    hausdorff_95,
    surface_dice,
    surface_distances,
    surface_mm,
)

SPACING = (1.0, 0.8, 6.0)


def blobs(seed, shape=(24, 20, 16)):
    noise = np.random.default_rng(seed).normal(size=shape)
    return ndimage.gaussian_filter(noise, 2) > 0.1


def measure(segmentation, lesion, spacing_mm=SPACING, tolerance_mm=1.0):
    return surface_distances(segmentation, lesion, spacing_mm=spacing_mm, tolerance_mm=tolerance_mm)


def itk(mask):
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(SPACING[::-1])
    return image


def itk_distances(first, second):
    """Distances from the surface of one mask to that of the other, by ITK's distance map."""
    contour = sitk.LabelContour(itk(second), fullyConnected=False)
    away = sitk.Abs(
        sitk.SignedMaurerDistanceMap(contour, squaredDistance=False, useImageSpacing=True)
    )
    return sitk.GetArrayFromImage(away)[sitk.GetArrayFromImage(sitk.LabelContour(itk(first))) > 0]


def inner(mask):
    """Keep a mask off the image border, where ITK draws no contour."""
    return np.pad(mask[1:-1, 1:-1, 1:-1], 1)


@pytest.mark.parametrize("seed", range(4))
def test_distances_agree_with_simpleitk(seed):
    segmentation, lesion = inner(blobs(seed)), inner(blobs(seed + 10))
    found = measure(segmentation, lesion)
    np.testing.assert_allclose(
        np.sort(found.to_reference), np.sort(itk_distances(segmentation, lesion)), atol=1e-4
    )
    expected = max(
        np.percentile(itk_distances(*pair), 95)
        for pair in ((segmentation, lesion), (lesion, segmentation))
    )
    assert hausdorff_95(found) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_full_hausdorff_agrees_with_scipy(seed):
    segmentation, lesion = blobs(seed), blobs(seed + 10)
    points = [surface_mm(mask, SPACING) for mask in (segmentation, lesion)]
    expected = max(directed_hausdorff(*points)[0], directed_hausdorff(*points[::-1])[0])
    assert hausdorff(measure(segmentation, lesion), percentile=100) == pytest.approx(expected)


def test_the_full_hausdorff_of_two_apart_blocks_agrees_with_simpleitk():
    segmentation, lesion = np.zeros((2, 20, 20, 12), bool)
    segmentation[2:5, 3:9, 2:4] = True
    lesion[10:15, 4:8, 5:9] = True
    filter_ = sitk.HausdorffDistanceImageFilter()
    filter_.Execute(itk(segmentation), itk(lesion))
    found = hausdorff(measure(segmentation, lesion), percentile=100)
    assert found == pytest.approx(filter_.GetHausdorffDistance())


def test_known_distance_of_a_shifted_block():
    lesion = np.zeros((20, 10, 10), bool)
    lesion[4:7, 4:7, 4:7] = True
    shifted = np.roll(lesion, 2, axis=0)
    found = measure(shifted, lesion, spacing_mm=(1.5, 1.0, 1.0))
    assert hausdorff(found, percentile=100) == pytest.approx(3)
    assert surface_dice(measure(shifted, lesion, (1.5, 1, 1), tolerance_mm=3)) == 1
    assert 0 < surface_dice(found) < 1


def test_the_surface_is_the_voxels_with_a_free_face():
    cube = np.zeros((7, 7, 7), bool)
    cube[1:6, 1:6, 1:6] = True
    assert len(surface_mm(cube, (1, 1, 1))) == 5**3 - 3**3
    assert len(surface_mm(np.ones((3, 3, 3), bool), (1, 1, 1))) == 26  # the border is a surface
    assert surface_mm(cube, (1, 2, 3)).min(axis=0).tolist() == [1, 2, 3]


def test_a_perfect_mask_and_an_empty_one():
    lesion = blobs(0)
    perfect = measure(lesion, lesion)
    assert (surface_dice(perfect), hausdorff_95(perfect)) == (1, 0)
    nothing = np.zeros_like(lesion)
    missed = measure(nothing, lesion)
    assert surface_dice(missed) == 0
    assert np.isnan(hausdorff_95(missed))
    for segmentation in (nothing, lesion):
        undefined = measure(segmentation, nothing)
        assert np.isnan([surface_dice(undefined), hausdorff_95(undefined)]).all()


def test_spacing_scales_distances():
    masks = blobs(0), blobs(1)
    once, twice = (
        measure(*masks, spacing_mm=tuple(factor * side for side in SPACING)) for factor in (1, 2)
    )
    assert hausdorff_95(twice) == pytest.approx(2 * hausdorff_95(once))
