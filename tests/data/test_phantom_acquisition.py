"""The scanner: geometry of thick slices, noise, blur, bias."""

import numpy as np
import pytest

from lesionless.data.phantom.acquisition import (
    Grid,
    add_rician_noise,
    bias_field,
    blur_in_plane,
)

GRID = Grid(matrix=16, in_plane_mm=0.95, thickness_mm=4.5, n_slices=7, bottom_mm=-11.0)


def test_samples_of_a_slice_lie_inside_it_and_their_mean_is_its_centre() -> None:
    _, _, z = GRID.sample_axes()
    by_slice = z.reshape(GRID.n_slices, GRID.n_subslices)
    assert GRID.n_subslices == 5
    for k, heights in enumerate(by_slice):
        centre = (GRID.affine @ [0, 0, k, 1])[2]
        assert heights.mean() == pytest.approx(centre)
        assert np.abs(heights - centre).max() < GRID.thickness_mm / 2


def test_affine_places_the_columns_where_they_were_sampled() -> None:
    x, y, _ = GRID.sample_axes()
    first, last = GRID.affine @ [0, 0, 0, 1], GRID.affine @ [15, 15, 0, 1]
    assert [x[0], y[0]] == pytest.approx(first[:2])
    assert [x[-1], y[-1]] == pytest.approx(last[:2])
    assert pytest.approx(abs(np.linalg.det(GRID.affine)) / 1000) == GRID.voxel_ml


def test_one_millimetre_slices_have_one_sample() -> None:
    assert Grid(16, 0.95, 1.0, 7, 0.0).n_subslices == 1


def test_noise_is_rayleigh_in_air_and_nearly_normal_in_tissue() -> None:
    generator = np.random.default_rng(0)
    air = add_rician_noise(generator, np.zeros((50, 50, 50), np.float32), spread=0.1)
    tissue = add_rician_noise(generator, np.ones((50, 50, 50), np.float32), spread=0.1)
    assert air.mean() == pytest.approx(0.1 * np.sqrt(np.pi / 2), rel=0.01)
    assert tissue.mean() == pytest.approx(1 + 0.1**2 / 2, rel=2e-3)
    assert tissue.std() == pytest.approx(0.1, rel=0.01)


def test_blur_keeps_slices_apart_and_their_sum() -> None:
    volume = np.zeros((15, 15, 3))
    volume[7, 7, 1] = 1
    blurred = blur_in_plane(volume, 1.0)
    assert blurred[:, :, 1].sum() == pytest.approx(1)
    assert blurred[7, 7, 1] < 0.2
    assert blurred[:, :, [0, 2]].max() == 0


def test_bias_is_smooth_positive_and_near_1() -> None:
    bias = bias_field(np.random.default_rng(0), GRID, spread=0.05)
    assert bias.shape == (16, 16, 7)
    assert 0.7 < bias.min() < bias.max() < 1.4
    assert np.abs(np.diff(bias, axis=0)).max() < 0.01
    assert np.all(bias_field(np.random.default_rng(0), GRID, spread=0.0) == 1)
