import numpy as np
import pytest
from scipy.stats import bootstrap, norm, t

from lesionless.evaluation.bootstrap import (
    bootstrap_average_precision,
    bootstrap_mean,
    resampling_weights,
)
from lesionless.evaluation.precision_recall import average_precision
from lesionless.evaluation.score_counts import coarsen, count_scores, merge


def mean(values, draws=2000, seed=0):
    return bootstrap_mean(np.asarray(values, float), draws=draws, confidence=0.95, seed=seed)


def test_agrees_with_scipy_at_the_widened_level():
    values = np.random.default_rng(0).gamma(2, 1, 40)
    outside = norm.cdf(np.sqrt(40 / 39) * t.ppf(0.025, 39))
    expected = bootstrap(
        (values,),
        np.mean,
        method="percentile",
        n_resamples=20_000,
        confidence_level=1 - 2 * outside,
        rng=1,
    ).confidence_interval
    found = mean(values, draws=20_000)
    assert found.lower == pytest.approx(expected.low, abs=0.03)
    assert found.upper == pytest.approx(expected.high, abs=0.03)
    assert found.mean == pytest.approx(values.mean())
    assert found.sd == pytest.approx(values.std(ddof=1))


def test_undefined_values_are_left_out_and_counted():
    found = mean([1, np.nan, 3, np.nan])
    assert (found.mean, found.n, found.n_undefined) == (2, 2, 2)


def test_one_subject_has_no_interval_and_none_has_no_mean():
    one = mean([0.5])
    assert (one.mean, one.n) == (0.5, 1)
    assert np.isnan([one.sd, one.lower, one.upper]).all()
    assert np.isnan(mean([np.nan]).mean)


def test_the_seed_decides():
    values = np.arange(9.0)
    assert mean(values) == mean(values)
    assert mean(values) != mean(values, seed=1)


@pytest.mark.parametrize("n", [7, 30])
def test_on_normal_values_the_interval_is_as_wide_as_students(n):
    rng = np.random.default_rng(0)
    widths, expected = [], []
    for _ in range(200):
        values = rng.normal(size=n)
        found = mean(values, draws=4000)
        widths.append(found.upper - found.lower)
        expected.append(2 * t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))
    assert np.mean(widths) == pytest.approx(np.mean(expected), rel=0.05)


def test_each_draw_has_as_many_subjects_as_there_are():
    weights = resampling_weights(7, 50, 0)
    assert (weights.sum(axis=1) == 7).all()


def test_pooled_auprc_resamples_whole_subjects():
    rng = np.random.default_rng(0)
    scans = []
    for _ in range(8):
        lesion = rng.random(2000) < 0.05
        scans.append((rng.gamma(2, 1, 2000) + rng.uniform(0, 4) * lesion, lesion))
    subjects = [coarsen(count_scores(*scan), bits=16) for scan in scans]
    found = bootstrap_average_precision(subjects, draws=300, confidence=0.95, seed=0)
    outside = 100 * norm.cdf(np.sqrt(8 / 7) * t.ppf(0.025, 7))
    drawn = [
        average_precision(
            merge(
                subject
                for subject, times in zip(subjects, row, strict=True)
                for _ in range(int(times))
            )
        )
        for row in resampling_weights(8, 300, 0)
    ]
    assert found == pytest.approx(tuple(np.percentile(drawn, [outside, 100 - outside])))


def test_pooled_auprc_without_lesions_or_subjects_has_no_interval():
    healthy = count_scores(np.arange(5.0), np.zeros(5, bool))
    for subjects in ([], [healthy], [healthy, healthy]):
        ends = bootstrap_average_precision(subjects, draws=10, confidence=0.95, seed=0)
        assert np.isnan(ends).all()
