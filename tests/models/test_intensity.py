"""The competitors without a network, by hand."""

import numpy as np
import pytest
import torch

from lesionless.models.intensity import (
    Intensity,
    IntensitySettings,
    LocalContrast,
    LocalContrastSettings,
)


def local_mean(x: np.ndarray, **settings: float) -> np.ndarray:
    method = LocalContrast(LocalContrastSettings(size=32, **settings))
    return method.reconstruct(torch.from_numpy(x)[None, None]).numpy()[0, 0]


def test_intensity_expects_nothing(x):
    assert not Intensity(IntensitySettings()).reconstruct(x).any()


def test_uniform_tissue_is_its_own_local_mean():
    slices = np.zeros((32, 32), np.float32)
    slices[8:24, 8:24] = 0.6
    expected = local_mean(slices)
    np.testing.assert_allclose(expected[8:24, 8:24], 0.6, rtol=1e-4)


def test_fluid_does_not_lower_the_mean_of_tissue():
    slices = np.full((32, 32), 0.6, np.float32)
    slices[12:16, 12:16] = 0.1  # below the floor
    np.testing.assert_allclose(local_mean(slices), 0.6, rtol=1e-4)
    assert local_mean(slices, tissue_floor=0.05).min() < 0.58


def test_local_mean_by_hand():
    """Each pixel is weighted by a Gaussian of sigma_mm pixels at 256 rows, of 1/8 that at 32."""
    rng = np.random.default_rng(0)
    slices = rng.uniform(0.3, 1, (32, 32)).astype(np.float32)
    slices[:, :6] = 0
    sigma = 2.0
    row, column = np.mgrid[:32, :32]
    weight = np.exp(-((row - 15) ** 2 + (column - 14) ** 2) / (2 * sigma**2)) * (slices > 0.25)
    by_hand = (weight * slices).sum() / weight.sum()
    assert local_mean(slices, sigma_mm=16.0)[15, 14] == pytest.approx(by_hand, rel=1e-3)


def test_contrast_is_free_of_the_scan_s_scale_above_the_floor():
    slices = np.random.default_rng(1).uniform(0.5, 0.8, (32, 32)).astype(np.float32)
    first, second = slices / local_mean(slices), (slices * 1.2) / local_mean(slices * 1.2)
    np.testing.assert_allclose(first, second, rtol=1e-4)


def test_slices_do_not_mix(x):
    method = LocalContrast(LocalContrastSettings(size=32))
    other = x.clone()
    other[1:] = 0.5
    assert torch.equal(method.reconstruct(x)[0], method.reconstruct(other)[0])


def test_far_from_any_tissue_the_mean_is_finite():
    slices = np.zeros((32, 32), np.float32)
    slices[0, 0] = 0.9
    assert np.isfinite(local_mean(slices)).all()
