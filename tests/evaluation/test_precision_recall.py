import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from lesionless.evaluation.precision_recall import (
    auroc,
    average_precision,
    dice_by_threshold,
    oracle_dice,
    precision_recall,
    prevalence,
    thin,
)
from lesionless.evaluation.score_counts import count_scores


def draw(kind, n=20_000, seed=0):
    rng = np.random.default_rng(seed)
    lesion = rng.random(n) < 0.02
    score = {
        "gamma": rng.gamma(2, 1, n) + 3 * lesion,
        "signed": rng.normal(size=n) + 1.5 * lesion,
        "tied": np.round(rng.gamma(2, 1, n) + lesion),
        "tiny": (rng.gamma(2, 1, n) + lesion) * 1e-6,
        "probability": 1 / (1 + np.exp(-rng.normal(size=n) - 2 * lesion)),
        "saturated": 1 - 0.1 / (1 + np.exp(rng.normal(size=n) + 2 * lesion)),
        "mostly zero": np.maximum(rng.normal(size=n) - 1 + 2 * lesion, 0),
        "binary": (rng.random(n) < 0.1 + 0.5 * lesion).astype(float),
    }[kind]
    return score.astype(np.float32), lesion


KINDS = ("gamma", "signed", "tied", "tiny", "probability", "saturated", "mostly zero", "binary")


@pytest.mark.parametrize("kind", KINDS)
def test_auprc_and_auroc_agree_with_scikit_learn(kind):
    score, lesion = draw(kind)
    counts = count_scores(score, lesion)
    assert average_precision(counts) == pytest.approx(
        average_precision_score(lesion, score), abs=1e-4
    )
    assert auroc(counts) == pytest.approx(roc_auc_score(lesion, score), abs=1e-5)


def test_a_million_voxels_agree_with_scikit_learn():
    score, lesion = draw("probability", n=1_000_000)
    expected = average_precision_score(lesion, score)
    assert average_precision(count_scores(score, lesion)) == pytest.approx(expected, abs=1e-4)


def test_known_auprc():
    # highest first: lesion, normal, lesion -> 1 * 1/2 + 2/3 * 1/2
    counts = count_scores(np.array([3.0, 2.0, 1.0]), np.array([True, False, True]))
    assert average_precision(counts) == pytest.approx(1 / 2 + 1 / 3)
    assert auroc(counts) == pytest.approx(1 / 2)


def test_ties_are_one_step():
    counts = count_scores(np.ones(4), np.array([True, False, False, False]))
    assert average_precision(counts) == 0.25
    assert auroc(counts) == 0.5


def test_a_random_score_has_the_prevalence_as_auprc():
    rng = np.random.default_rng(0)
    lesion = rng.random(200_000) < 0.05
    counts = count_scores(rng.random(lesion.size), lesion)
    assert average_precision(counts) == pytest.approx(prevalence(counts), abs=3e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_oracle_dice_is_the_best_of_all_thresholds(kind):
    score, lesion = draw(kind, n=2000)
    positives = [score >= at for at in np.unique(score)]
    expected = max(
        2 * np.sum(positive & lesion) / (positive.sum() + lesion.sum()) for positive in positives
    )
    counts = count_scores(score, lesion)
    assert oracle_dice(counts) == pytest.approx(expected, abs=1e-6)
    best = counts.thresholds()[np.argmax(dice_by_threshold(counts))]
    assert f1_score(lesion, score > best) == pytest.approx(oracle_dice(counts))


def test_curve_points_are_what_their_thresholds_give():
    score, lesion = draw("signed", n=3000)
    counts = count_scores(score, lesion)
    curve = precision_recall(counts)
    for at in (0, 100, 2000):
        positive = score > curve.threshold[at]
        assert curve.precision[at] == pytest.approx(lesion[positive].mean())
        assert curve.recall[at] == pytest.approx(positive[lesion].mean())
    assert curve.recall[-1] == 1
    assert curve.precision[-1] == pytest.approx(curve.prevalence)
    assert dice_by_threshold(counts)[::-1][100] == pytest.approx(
        f1_score(lesion, score > curve.threshold[100])
    )


def test_undefined_without_lesions():
    counts = count_scores(np.array([1.0, 2.0]), np.array([False, False]))
    values = (average_precision(counts), auroc(counts), oracle_dice(counts))
    assert np.isnan(values).all()
    assert prevalence(counts) == 0
    assert np.isnan(precision_recall(counts).recall).all()


def test_thinned_curve_keeps_its_ends_and_its_shape():
    counts = count_scores(*draw("gamma"))
    curve = precision_recall(counts)
    thinned = thin(curve, n_points=100)
    assert 50 < thinned.recall.size <= 101
    assert thinned.recall[-1] == 1
    assert thinned.threshold[0] == curve.threshold[0]
    area = np.trapezoid(thinned.precision, thinned.recall)
    assert area == pytest.approx(average_precision(counts), abs=0.01)
