"""Skull strip: which method is used, what is cleaned, what is refused."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.data.scan import Scan
from lesionless.errors import StripError, UsageError
from lesionless.preprocess import strip

SPACING_MM = 6.0


def ball(radius_mm: float, shape=(32, 36, 30)) -> np.ndarray:
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    centre = (np.array(shape) - 1) / 2
    return np.linalg.norm((grid - centre) * SPACING_MM, axis=-1) <= radius_mm


def stripped_scan(offset: float = 0.0) -> Scan:
    rng = np.random.default_rng(1)
    image = np.where(ball(70), rng.normal(100, 10, (32, 36, 30)), 0) + offset
    affine = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    return Scan(Path("scan.nii.gz"), image.astype(np.float32), affine, nib.Nifti1Header())


@pytest.mark.parametrize("offset", [0.0, -1024.0, 12.5])
def test_none_finds_the_brain_on_any_constant_background(offset):
    result = strip.brain_mask(stripped_scan(offset), method="none")
    assert result.method == "none"
    np.testing.assert_array_equal(result.mask, ball(70))


def test_a_given_mask_is_used_and_cleaned():
    mask = ball(60)
    mask[16, 18, 15] = False  # a hole
    mask[0, 0, 0] = True  # a speck
    result = strip.brain_mask(stripped_scan(), mask=mask)
    assert result.method == "mask"
    np.testing.assert_array_equal(result.mask, ball(60))


def test_an_empty_mask_is_refused():
    with pytest.raises(StripError, match="found 0 ml"):
        strip.brain_mask(stripped_scan(), mask=np.zeros((32, 36, 30), dtype=bool))


@pytest.mark.parametrize("method", ["mask", "scissors"])
def test_a_method_that_cannot_work_is_a_wrong_usage(method):
    with pytest.raises(UsageError, match="Expected"):
        strip.brain_mask(stripped_scan(), method=method)
