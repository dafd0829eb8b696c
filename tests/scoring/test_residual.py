"""Residuals by hand, and the equalisation against ranks of scipy."""

import numpy as np
import pytest
from scipy.stats import rankdata

from lesionless.scoring.residual import LEVELS, RESIDUALS, equalise

IMAGE = np.float32([[[0.5, 0.2], [0.8, 0.0]]])
EXPECTED = np.float32([[[0.4, 0.5], [0.8, 0.0]]])
BRAIN = np.array([[[True, True], [False, True]]])

BY_HAND = {
    "absolute": [[0.1, 0.3], [0.0, 0.0]],
    "positive": [[0.1, 0.0], [0.0, 0.0]],
    "ratio": [[1.25, 0.4], [0.0, 0.0]],
    "equalised": [[2 / 3, 1 / 3], [0.0, 0.0]],
}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("name", RESIDUALS)
def test_by_hand(name):
    found = RESIDUALS[name](IMAGE, EXPECTED, BRAIN)
    np.testing.assert_allclose(found, [BY_HAND[name]], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", RESIDUALS)
def test_float32_stays_and_nothing_lies_outside_the_brain(name, rng):
    image, expected = rng.random((2, 3, 16, 16), dtype=np.float32)
    brain = rng.random(image.shape) < 0.7
    found = RESIDUALS[name](image, expected, brain)
    assert found.dtype == np.float32
    assert found.shape == image.shape
    assert not found[~brain].any()
    assert (found >= 0).all()


@pytest.mark.parametrize("name", RESIDUALS)
def test_inputs_are_left_as_they_are(name, rng):
    image, expected = rng.random((2, 3, 8, 8), dtype=np.float32)
    brain = rng.random(image.shape) < 0.7
    before = image.copy(), expected.copy(), brain.copy()
    RESIDUALS[name](image, expected, brain)
    for array, copy in zip((image, expected, brain), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("name", ["positive", "ratio"])
def test_brighter_than_expected_is_more_anomalous(name):
    expected = np.full((1, 1, 9), 0.5, np.float32)
    image = np.linspace(0.5, 1, 9, dtype=np.float32).reshape(1, 1, 9)
    found = RESIDUALS[name](image, expected, np.ones(image.shape, bool))
    assert (np.diff(found) > 0).all()


def test_a_perfect_reconstruction_leaves_nothing(rng):
    image = rng.random((2, 8, 8), dtype=np.float32)
    brain = np.ones(image.shape, bool)
    assert not RESIDUALS["absolute"](image, image, brain).any()
    assert not RESIDUALS["positive"](image, image, brain).any()


def test_the_ratio_of_an_expected_nothing_is_finite():
    zeros = np.zeros((1, 2, 2), np.float32)
    assert np.isfinite(RESIDUALS["ratio"](zeros + 1, zeros, np.ones(zeros.shape, bool))).all()


def test_equalised_is_the_share_of_darker_brain_by_scipy(rng):
    """On whole grey levels, so that binning merges nothing: ties take the lowest rank."""
    image = (rng.integers(0, LEVELS, (4, 16, 16)) / LEVELS).astype(np.float32)
    brain = rng.random(image.shape) < 0.6
    expected = (rankdata(image[brain], method="min") - 1) / brain.sum()
    np.testing.assert_allclose(equalise(image, brain)[brain], expected, rtol=1e-6)


def test_equalised_is_near_the_exact_rank_on_any_image(rng):
    image = rng.beta(8, 3, (4, 32, 32)).astype(np.float32)
    brain = rng.random(image.shape) < 0.6
    exact = (rankdata(image[brain], method="min") - 1) / brain.sum()
    np.testing.assert_allclose(equalise(image, brain)[brain], exact, atol=4 / 1000)


def test_equalised_keeps_order_and_ignores_a_monotone_change(rng):
    image = (rng.integers(0, 64, (2, 16, 16)) / 64).astype(np.float32)
    brain = np.ones(image.shape, bool)
    np.testing.assert_array_equal(equalise(image, brain), equalise(image**2, brain))


def test_equalised_counts_all_slices_and_the_brain_alone():
    image = np.float32([[[0.1, 0.9]], [[0.5, 0.2]]])
    brain = np.array([[[True, False]], [[True, True]]])
    np.testing.assert_allclose(equalise(image, brain), [[[0, 0]], [[2 / 3, 1 / 3]]], rtol=1e-6)


def test_equalised_at_the_ends_and_without_brain():
    image = np.float32([[[0.0, 1.0, 0.5]]])
    found = equalise(image, np.ones(image.shape, bool))
    np.testing.assert_allclose(found, [[[0, 2 / 3, 1 / 3]]], rtol=1e-6)
    assert not equalise(image, np.zeros(image.shape, bool)).any()
