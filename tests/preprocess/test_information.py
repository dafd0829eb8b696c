"""The measure of the alignment: its value, its slope, and what lies beyond the edge."""

import numpy as np
import pytest
from scipy import ndimage

from lesionless.preprocess.information import N_BINS, information, interpolate

HERE = np.eye(4)[:3]


def image_and_samples(seed=0):
    rng = np.random.default_rng(seed)
    moving = ndimage.gaussian_filter(rng.random((14, 12, 10)), 1.5)
    moving = (moving - moving.min()) / np.ptp(moving)
    index = rng.uniform(1, [[12], [10], [8]], (3, 3000))
    places = np.c_[index.T, np.ones(3000)]
    values = np.clip(1 - interpolate(moving, index)[0] + rng.normal(0, 0.05, 3000), 0, 1)
    return values, places, moving


def test_the_slope_is_that_of_the_value():
    values, places, moving = image_and_samples()
    start = HERE + np.random.default_rng(1).normal(0, 0.02, (3, 4))
    _, slope = information(values, places, start, moving)
    for entry in np.ndindex(3, 4):
        step = np.zeros((3, 4))
        step[entry] = 1e-5
        above, below = (
            information(values, places, start + sign * step, moving)[0] for sign in (1, -1)
        )
        assert slope[entry] == pytest.approx((above - below) / 2e-5, rel=0.03, abs=3e-3)


def test_related_images_inform_unrelated_ones_do_not():
    values, places, moving = image_and_samples()
    related, _ = information(values, places, HERE, moving)
    shuffled = np.random.default_rng(2).permutation(values)
    unrelated, _ = information(shuffled, places, HERE, moving)
    assert 0 <= unrelated < 0.15 < 0.5 < related <= np.log(N_BINS)


def test_the_best_place_is_the_true_one():
    values, places, moving = image_and_samples()
    shifts = [-0.5, -0.2, 0, 0.2, 0.5]
    found = [
        information(values, places, HERE + shift * np.outer(np.eye(3)[axis], [0, 0, 0, 1]), moving)[
            0
        ]
        for axis in range(3)
        for shift in shifts
    ]
    assert [int(np.argmax(part)) for part in np.split(np.array(found), 3)] == [2, 2, 2]


def test_interpolation_agrees_with_scipy_and_ends_at_the_edge():
    moving = image_and_samples()[2]
    index = np.random.default_rng(3).uniform(-2, 15, (3, 500))
    wanted = ndimage.map_coordinates(moving, index, order=1, mode="constant")
    values, slopes = interpolate(moving, index)
    np.testing.assert_allclose(values, wanted, atol=1e-12)
    outside = np.any((index < 0) | (index > np.array(moving.shape)[:, None] - 1), axis=0)
    assert outside.any() and not values[outside].any() and not slopes[:, outside].any()
