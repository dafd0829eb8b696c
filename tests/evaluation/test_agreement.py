import numpy as np
import pytest

from lesionless.evaluation.agreement import bland_altman


def test_known_limits():
    found = bland_altman(np.array([3.0, 5.0, 10.0]), np.array([2.0, 6.0, 7.0]))
    assert found.bias_ml == pytest.approx(1)
    assert found.sd_ml == pytest.approx(2)
    assert (found.lower_ml, found.upper_ml) == pytest.approx((1 - 3.92, 1 + 3.92))
    assert found.n == 3


def test_about_95_percent_of_differences_lie_within_the_limits():
    rng = np.random.default_rng(0)
    reference = rng.gamma(2, 5, 2000)
    segmented = reference + rng.normal(1, 2, 2000)
    found = bland_altman(segmented, reference)
    difference = segmented - reference
    within = np.mean((difference > found.lower_ml) & (difference < found.upper_ml))
    assert within == pytest.approx(0.95, abs=0.01)


def test_one_scan_has_a_bias_and_no_limits():
    found = bland_altman(np.array([3.0]), np.array([2.0]))
    assert found.bias_ml == 1
    assert np.isnan([found.sd_ml, found.lower_ml, found.upper_ml]).all()
    assert np.isnan(bland_altman(np.zeros(0), np.zeros(0)).bias_ml)
