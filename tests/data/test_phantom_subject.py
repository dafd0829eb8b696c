"""Whole subjects: exact truth, one seed one brain, stripped or with a head."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from lesionless.data.phantom import (
    COARSE,
    Acquisition,
    Lesions,
    PhantomSettings,
    PhantomSubject,
    Skull,
    phantom_subject,
)

QUIET = replace(COARSE, acquisition=replace(COARSE.acquisition, noise=(0, 0), bias=(0, 0)))


def _draw(seed: int, settings: PhantomSettings = COARSE, *, patient: bool = True) -> PhantomSubject:
    return phantom_subject(np.random.default_rng(seed), patient=patient, settings=settings)


def _volume_ml(phantom: PhantomSubject, mask: np.ndarray) -> float:
    return float(np.count_nonzero(mask) * abs(np.linalg.det(phantom.affine)) / 1000)


def test_one_seed_gives_one_subject() -> None:
    first, again, other = _draw(0), _draw(0), _draw(1)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.lesion, again.lesion)
    assert first.image.shape != other.image.shape or not np.array_equal(first.brain, other.brain)


def test_brains_differ_in_size() -> None:
    subjects = [_draw(seed, patient=False) for seed in range(6)]
    volumes = [_volume_ml(subject, subject.brain) for subject in subjects]
    assert min(volumes) > 1300
    assert max(volumes) < 2100
    assert max(volumes) > 1.1 * min(volumes)


@pytest.mark.parametrize("load_ml", [1.0, 7.0, 50.0])
def test_the_lesion_load_is_the_one_asked_for(load_ml: float) -> None:
    settings = replace(COARSE, lesions=Lesions(load_ml=(load_ml, load_ml)))
    phantom = _draw(2, settings)
    voxel_ml = abs(np.linalg.det(phantom.affine)) / 1000
    assert _volume_ml(phantom, phantom.lesion) == pytest.approx(load_ml, abs=voxel_ml)


def test_loads_cover_the_range() -> None:
    loads = [_volume_ml(subject, subject.lesion) for subject in map(_draw, range(8))]
    assert 0.9 < min(loads) < 5
    assert 12 < max(loads) < 50.1


def test_lesions_raise_the_signal_and_change_nothing_else() -> None:
    patient, healthy = _draw(3, QUIET), _draw(3, QUIET, patient=False)
    assert np.array_equal(patient.brain, healthy.brain)
    assert not healthy.lesion.any()
    white = np.median(healthy.image[healthy.brain])
    gain = (patient.image - healthy.image) / white
    far = ~ndimage.binary_dilation(patient.lesion, iterations=3)
    assert gain.min() >= -0.01  # rounding to whole numbers
    assert np.abs(gain[far]).mean() < 2e-3
    assert np.mean(gain[patient.lesion] > 0.1) > 0.97
    assert np.median(gain[patient.lesion]) > 0.2


def test_a_lesion_as_dull_as_white_matter_is_still_raised() -> None:
    dull = replace(QUIET, lesions=Lesions(level=(0.9, 0.9), load_ml=(20, 20)))
    patient, healthy = _draw(3, dull), _draw(3, dull, patient=False)
    gain = (patient.image - healthy.image) / np.median(healthy.image[healthy.brain])
    assert gain.min() >= -0.01
    assert np.mean(gain[patient.lesion] > 0.05) > 0.97


def test_lesions_lie_inside_the_brain() -> None:
    phantom = _draw(4)
    assert phantom.brain[phantom.lesion].all()


def test_a_stripped_scan_is_0_outside_the_brain_only() -> None:
    phantom = _draw(5)
    assert np.all(phantom.image[~phantom.brain] == 0)
    assert np.mean(phantom.image[phantom.brain] > 0) > 0.99
    assert np.array_equal(phantom.image, np.rint(phantom.image))


def test_a_head_surrounds_the_same_kind_of_brain() -> None:
    phantom = _draw(6, replace(COARSE, skull=Skull()))
    inside = np.median(phantom.image[phantom.brain])
    ring = ndimage.binary_dilation(phantom.brain, iterations=1) & ~phantom.brain
    scalp = ndimage.binary_dilation(phantom.brain, iterations=5) & ~phantom.brain
    assert np.median(phantom.image[ring]) < 0.7 * inside
    assert np.percentile(phantom.image[scalp], 95) > 0.8 * inside
    corner = phantom.image[:6, :6]
    assert 0 < corner.mean() < 0.15 * inside


def test_grey_matter_is_brighter_than_white_and_csf_is_dark() -> None:
    sharp = Acquisition(
        matrix=128, in_plane_mm=(1.8, 2.0), thickness_mm=(2, 2), noise=(0, 0), bias=(0, 0)
    )
    phantom = _draw(0, PhantomSettings(acquisition=sharp, anatomy_mm=2), patient=False)
    image = phantom.image / np.median(phantom.image[phantom.brain])
    dark = phantom.brain & (image < 0.6)
    assert 0.03 < dark.sum() / phantom.brain.sum() < 0.35
    depth = ndimage.distance_transform_edt(phantom.brain)
    cortex = np.percentile(image[(depth > 1) & (depth < 5)], 75)
    deep = np.median(image[depth > 14])
    assert 1.02 < cortex / deep < 1.4


def test_thick_slices_average_thin_ones() -> None:
    thin, thick = (
        _draw(7, replace(QUIET, acquisition=replace(QUIET.acquisition, thickness_mm=(mm, mm))))
        for mm in (1.0, 6.0)
    )
    assert thick.thickness_mm == 6
    assert thin.image.shape[2] > 5 * thick.image.shape[2]
    assert _volume_ml(thick, thick.brain) == pytest.approx(_volume_ml(thin, thin.brain), rel=0.02)


@pytest.mark.slow
def test_the_default_stripper_accepts_the_head() -> None:
    import nibabel as nib
    from deepbet.bet import BrainExtraction

    acquisition = Acquisition(matrix=128, in_plane_mm=(1.9, 1.9), thickness_mm=(3, 3))
    settings = PhantomSettings(acquisition=acquisition, anatomy_mm=2, skull=Skull())
    phantom = _draw(8, settings)
    scan = nib.Nifti1Image(phantom.image, phantom.affine)
    _, found, _ = BrainExtraction(no_gpu=True).run(scan)
    mask = np.asarray(found.dataobj) > 0
    overlap = np.count_nonzero(mask & phantom.brain)
    assert 2 * overlap / (mask.sum() + phantom.brain.sum()) > 0.9
