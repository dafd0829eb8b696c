import numpy as np
import pytest
from scipy.stats import permutation_test

from lesionless.evaluation.paired import compare_all, holm, sign_flip_test
from lesionless.evaluation.settings import EvaluationSettings

SETTINGS = EvaluationSettings(bootstrap_draws=200, permutation_draws=5000)


def scipy_p(differences, n_resamples=np.inf):
    return permutation_test(
        (differences, np.zeros_like(differences)),
        lambda first, second, axis: np.mean(first - second, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=n_resamples,
        rng=0,
    ).pvalue


@pytest.mark.parametrize("n", [2, 5, 8])
def test_exact_test_agrees_with_scipy(n):
    differences = np.random.default_rng(n).normal(0.4, 1, n)
    assert sign_flip_test(differences, draws=5000, seed=0) == pytest.approx(scipy_p(differences))


def test_random_flips_come_close_to_the_exact_test():
    differences = np.random.default_rng(0).normal(0.4, 1, 14)
    found = sign_flip_test(differences, draws=16_000, seed=0)
    assert found == pytest.approx(scipy_p(differences), abs=0.01)


def test_random_flips_never_give_zero():
    differences = np.random.default_rng(0).uniform(1, 2, 40)
    assert sign_flip_test(differences, draws=99, seed=0) == pytest.approx(1 / 100)


def test_no_difference_has_p_one_and_few_subjects_have_none():
    assert sign_flip_test(np.zeros(6), draws=1000, seed=0) == 1
    assert np.isnan(sign_flip_test(np.array([1.0]), draws=1000, seed=0))


def test_p_values_are_uniform_when_there_is_nothing_to_find():
    rng = np.random.default_rng(0)
    p_values = [sign_flip_test(rng.normal(size=20), draws=500, seed=0) for _ in range(400)]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.035)


def test_known_holm():
    assert holm([0.01, 0.02, 0.03, 0.005]) == pytest.approx([0.03, 0.04, 0.04, 0.02])
    assert holm([0.4, 0.9]) == pytest.approx([0.8, 0.9])
    corrected = holm([0.01, float("nan"), 0.02])
    assert corrected[0] == pytest.approx(0.02)
    assert np.isnan(corrected[1])


def test_every_pair_is_compared_over_the_subjects_they_share():
    values = {
        "good": {"1": 0.8, "2": 0.7, "3": 0.9, "4": float("nan")},
        "bad": {"1": 0.3, "2": 0.3, "3": 0.2, "4": 0.5},
        "late": {"2": 0.5, "3": 0.5, "9": 0.5},
    }
    found = compare_all(values, SETTINGS)
    pairs = [(entry.first, entry.second, entry.n) for entry in found]
    assert pairs == [("good", "bad", 3), ("good", "late", 2), ("bad", "late", 2)]
    assert found[0].difference == pytest.approx((0.5 + 0.4 + 0.7) / 3)
    assert found[0].lower <= found[0].difference <= found[0].upper
    assert found[0].p == pytest.approx(2 / 2**3)
    assert found[0].p_holm == pytest.approx(3 * found[0].p)
