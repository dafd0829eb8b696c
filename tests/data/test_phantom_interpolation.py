"""Trilinear interpolation against scipy."""

import numpy as np
import pytest
from scipy import ndimage

from lesionless.data.phantom.interpolation import interpolate


def test_it_agrees_with_scipy_also_beyond_the_edge() -> None:
    generator = np.random.default_rng(0)
    volumes = generator.normal(size=(2, 7, 9, 5)).astype(np.float32)
    index = generator.uniform(-2, 11, size=(3, 40_000)).astype(np.float32)
    expected = [ndimage.map_coordinates(v, index, order=1, mode="nearest") for v in volumes]
    assert interpolate(volumes, index) == pytest.approx(np.array(expected), abs=1e-5)


def test_voxel_centres_are_hit_exactly() -> None:
    volume = np.random.default_rng(1).normal(size=(4, 3, 6)).astype(np.float32)
    index = np.indices(volume.shape).reshape(3, -1).astype(np.float32)
    assert np.array_equal(interpolate([volume], index)[0], volume.ravel())
