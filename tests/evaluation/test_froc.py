import numpy as np
import pytest

from lesionless.evaluation.froc import count_over_thresholds, froc, froc_thresholds
from lesionless.evaluation.lesions import LesionRules, count_lesions, label_reference

UNIT = (1.0, 1.0, 1.0)
RULES = LesionRules(minimum_mm3=0)


def scan(seed, n_lesions=3):
    rng = np.random.default_rng(seed)
    lesion = np.zeros((16, 16, 16), bool)
    for corner in rng.integers(0, 13, (n_lesions, 3)):
        lesion[tuple(slice(at, at + 2) for at in corner)] = True
    return rng.random(lesion.shape) + 0.3 * lesion, lesion


def counts_of(score, lesion, thresholds):
    reference = label_reference(lesion, spacing_mm=UNIT, rules=RULES)
    inside = np.ones_like(lesion)
    return count_over_thresholds(score, inside, reference, thresholds, spacing_mm=UNIT, rules=RULES)


def test_known_curve():
    score, lesion = np.zeros((2, 8, 8, 8))
    lesion = lesion > 0
    lesion[1, 1, 1] = lesion[5, 5, 5] = True
    score[1, 1, 1], score[3, 1, 1], score[5, 5, 5] = 3, 2, 1
    thresholds = np.array([2.5, 1.5, 0.5])
    healthy = counts_of(np.where(score == 2, 2.0, 0), np.zeros_like(lesion), thresholds)
    curve = froc([counts_of(score, lesion, thresholds), healthy], thresholds)
    assert curve.sensitivity.tolist() == [0.5, 0.5, 1]
    assert curve.false_per_scan.tolist() == [0, 1, 1]  # one in each of the two scans
    assert (curve.n_scans, curve.n_lesions) == (2, 2)


def test_each_point_is_the_count_at_its_threshold():
    score, lesion = scan(0)
    thresholds = froc_thresholds(score.ravel(), n_points=8)
    curve = froc([counts_of(score, lesion, thresholds)], thresholds)
    reference = label_reference(lesion, spacing_mm=UNIT, rules=RULES)
    for at, threshold in enumerate(thresholds):
        counts = count_lesions(score > threshold, reference, spacing_mm=UNIT, rules=RULES)
        assert curve.false_per_scan[at] == counts.false
        assert curve.sensitivity[at] == counts.n_detected / counts.n_lesions


def test_thresholds_fall_from_above_the_highest_score_to_one_voxel_in_twenty():
    scores = np.random.default_rng(0).normal(size=10_000)
    thresholds = froc_thresholds(scores, n_points=10)
    assert np.all(np.diff(thresholds) < 0)
    assert thresholds[0] > scores.max()
    assert np.mean(scores > thresholds[-1]) == pytest.approx(0.05, abs=1e-3)
    assert froc_thresholds(scores, n_points=0).size == 0
    assert froc_thresholds(np.zeros(10), n_points=5).tolist() == [0]


def test_without_lesions_sensitivity_is_undefined():
    score, lesion = scan(0, n_lesions=0)
    thresholds = np.array([0.9, 0.8])
    curve = froc([counts_of(score, lesion, thresholds)], thresholds)
    assert np.isnan(curve.sensitivity).all()
    assert (curve.false_per_scan > 0).all()
