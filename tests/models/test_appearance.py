"""Random pose and scanner: what they change and what they must not."""

import numpy as np
import pytest

from lesionless.models.appearance import Variation, moved, rescanned

STILL = Variation().scaled(0)


def brain() -> np.ndarray:
    rows, columns = np.mgrid[:64, :64] - 31.5
    inside = (rows / 28) ** 2 + (columns / 22) ** 2 < 1
    texture = np.random.default_rng(3).uniform(0.3, 0.5, (64, 64))
    return np.where(inside, texture, 0).astype(np.float32)


@pytest.mark.parametrize("seed", range(6))
def test_without_variation_nothing_but_the_side_changes(seed):
    x = brain()
    (pose,) = moved(np.random.default_rng(seed), [x], STILL)
    assert np.allclose(pose, x, atol=1e-6) or np.allclose(pose, x[:, ::-1], atol=1e-6)
    (same,) = rescanned(np.random.default_rng(seed), [x], STILL)
    np.testing.assert_allclose(same, x, atol=1e-6)


def test_planes_of_one_slice_are_moved_alike():
    x = brain()
    mark = (x > 0.45).astype(np.float32)
    outside = np.ones_like(x)
    for seed in range(6):
        pose, marked, cut = moved(np.random.default_rng(seed), [x, mark, outside])
        assert pose[marked > 0.99].min() > 0.4
        np.testing.assert_array_equal(cut > 0, pose > 0)


def test_both_sides_come_up():
    sides = [np.allclose(moved(np.random.default_rng(s), [brain()], STILL)[0], brain()) for s in
             range(40)]  # fmt: skip
    assert 8 < sum(sides) < 32


@pytest.mark.parametrize("seed", range(10))
def test_outside_stays_empty_and_inside_stays_in_range(seed):
    x = brain()
    patient, clean = rescanned(np.random.default_rng(seed), [np.clip(x + 0.3, 0, 1) * (x > 0), x])
    for image in (patient, clean):
        assert image.dtype == np.float32
        assert image.min() >= 0 and image.max() <= 1
        np.testing.assert_array_equal(image[x == 0], 0)


@pytest.mark.parametrize("seed", range(10))
def test_slices_of_one_brain_are_changed_alike(seed):
    """Where they agree before, they agree after; the brighter stays the brighter."""
    x = brain()
    lesion = np.zeros_like(x)
    lesion[30:34, 26:30] = 0.3
    quiet = Variation(blur_pixels=0, noise=0)
    patient, clean = rescanned(np.random.default_rng(seed), [x + lesion, x], quiet)
    np.testing.assert_array_equal(patient[lesion == 0], clean[lesion == 0])
    assert np.all(patient[lesion > 0] > clean[lesion > 0])


def test_a_turn_keeps_the_amount_of_brain():
    x = brain()
    for seed in range(10):
        (turned,) = moved(np.random.default_rng(seed), [x], Variation(zoom=0))
        assert (turned > 0).sum() == pytest.approx((x > 0).sum(), rel=0.03)


def test_bias_and_gain_stay_small():
    """Over many draws the mean of a brain moves by the gain and hardly by the bias."""
    means = []
    for seed in range(40):
        only = Variation(gamma=0, contrast=0, blur_pixels=0, noise=0)
        (image,) = rescanned(np.random.default_rng(seed), [brain()], only)
        means.append(image[brain() > 0].mean() / brain()[brain() > 0].mean())
    assert max(means) < 1.25
    assert min(means) > 0.75
    assert np.mean(means) == pytest.approx(1, abs=0.03)
