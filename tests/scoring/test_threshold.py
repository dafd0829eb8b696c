import math

import numpy as np
import pytest

from lesionless.errors import UsageError
from lesionless.scoring.threshold import (
    OPERATING_POINTS,
    conformal_threshold,
    operating_points,
    point_named,
    rate_threshold,
    scans_needed,
)


def normal_scans(n_scans, n_voxels=400, seed=0, spread=0.4):
    """Scans whose scores differ in scale from one to the next, as real ones do."""
    rng = np.random.default_rng(seed)
    scales = np.exp(rng.normal(0, spread, n_scans))
    return [(scale * rng.gamma(2, 1, n_voxels)).astype(np.float32) for scale in scales]


def rate(scores, threshold):
    return float(np.mean(scores > threshold))


def test_known_percentile():
    scans = [np.arange(0, 50.0), np.arange(50, 100.0)]
    assert OPERATING_POINTS["p98"].threshold(scans) == 97  # 98 and 99 lie above: 2 %
    assert rate_threshold(scans, 0.01) == 98


@pytest.mark.parametrize("wanted", [0.29, 0.02, 1e-2, 1e-3, 1e-4])
def test_the_rate_is_reached_and_not_exceeded(wanted):
    scans = normal_scans(5, n_voxels=10_000)
    pooled = np.concatenate(scans)
    found = rate(pooled, rate_threshold(scans, wanted))
    assert wanted - 1 / pooled.size <= found <= wanted


def test_ties_never_push_the_rate_above_the_promise():
    scores = np.repeat([0.0, 1.0, 2.0], [50, 30, 20])
    assert rate(scores, rate_threshold([scores], 0.25)) == 0.20
    assert rate(scores, rate_threshold([scores], 0.1)) == 0


def test_the_order_of_scans_and_voxels_does_not_matter():
    scans = normal_scans(12)
    shuffled = [np.random.default_rng(1).permutation(scan) for scan in scans[::-1]]
    assert operating_points(scans, scans) == operating_points(shuffled, shuffled)


def test_a_lower_rate_needs_a_higher_threshold():
    scans = normal_scans(20, n_voxels=2000)
    found = operating_points(scans, scans)
    assert (
        found["p98"]
        < found["fpr-1e-2"]
        < found["fpr-3e-3"]
        < found["fpr-2e-3"]
        < found["fpr-1e-3"]
        < found["fpr-1e-4"]
    )
    assert found["conformal-1e-2"] < found["conformal-1e-3"]


def test_training_and_held_out_scans_are_kept_apart():
    training, held_out = [np.zeros(10_000)], normal_scans(9)
    found = operating_points(training, held_out)
    assert found["p98"] == 0
    assert found["fpr-1e-3"] > 0


def test_too_few_voxels_are_reported(caplog):
    assert rate_threshold([np.arange(10.0)], 1e-3) == 9
    assert "10 normal voxels cannot resolve" in caplog.text


def test_too_few_scans_give_an_infinite_threshold(caplog):
    assert conformal_threshold(normal_scans(8), 0.01, confidence=0.9) == math.inf
    operating_points(normal_scans(8), normal_scans(8))
    said = [message for message in caplog.messages if "finite" in message]
    assert said == [
        "conformal-1e-2, conformal-1e-3: no finite threshold, since it takes 9 held-out normal "
        "scans, found 8. The other operating points are not concerned."
    ]
    assert math.isfinite(conformal_threshold(normal_scans(9), 0.01, confidence=0.9))


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_scans_needed_is_the_smallest_finite(confidence):
    n = scans_needed(confidence)
    assert n == math.ceil(confidence / (1 - confidence) - 1e-9)


@pytest.mark.parametrize(("n_scans", "confidence"), [(9, 0.9), (19, 0.9), (39, 0.95), (14, 0.8)])
def test_the_conformal_bound_holds_for_a_new_scan(n_scans, confidence):
    """1,000 draws: the share of new scans within the bound is the confidence, and little more."""
    n_draws, wanted = 1000, 0.05
    held = 0
    for seed in range(n_draws):
        *calibration, new = normal_scans(n_scans + 1, n_voxels=100, seed=seed)
        threshold = conformal_threshold(calibration, wanted, confidence=confidence)
        held += rate(new, threshold) <= wanted
    expected = math.ceil((n_scans + 1) * confidence) / (n_scans + 1)
    three_sd = 3 * math.sqrt(expected * (1 - expected) / n_draws)
    assert expected >= confidence - 1e-9
    assert held / n_draws == pytest.approx(expected, abs=three_sd)


def test_a_pooled_rate_does_not_hold_for_a_new_scan():
    """Why the conformal point exists: the pooled rate is exceeded in far more than one in ten."""
    exceeded = 0
    for seed in range(300):
        *calibration, new = normal_scans(20, n_voxels=100, seed=seed)
        exceeded += rate(new, rate_threshold(calibration, 0.05)) > 0.05
    assert exceeded / 300 > 0.25


@pytest.mark.parametrize("name", OPERATING_POINTS)
def test_every_operating_point_works_and_describes_itself(name):
    point = OPERATING_POINTS[name]
    assert point.name == name
    assert point.source in ("training", "held-out")
    assert "%" in point.description or "percentile" in point.description
    threshold = point.threshold(normal_scans(12))
    assert math.isfinite(threshold)
    scaled = point.threshold([scan * 4 for scan in normal_scans(12)])
    assert scaled == pytest.approx(4 * threshold)


def test_unknown_names_and_missing_scans_are_named():
    with pytest.raises(UsageError, match="p98, fpr-1e-2"):
        point_named("p99")
    with pytest.raises(UsageError, match="found 0 scans"):
        operating_points(normal_scans(3), [])
    with pytest.raises(UsageError, match=r"found 2 scans of \[3, 0\] voxels"):
        rate_threshold([np.zeros(3), np.zeros(0)], 0.1)
    with pytest.raises(UsageError, match="share between 0 and 1"):
        rate_threshold([np.zeros(3)], 1.5)
