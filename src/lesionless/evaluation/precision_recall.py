"""Precision and recall over the threshold, and the figures that need no threshold."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lesionless.evaluation.score_counts import ScoreCounts


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Hold a precision-recall curve, from the highest threshold to the lowest.

    Attributes:
        threshold: (point) a voxel is positive when its score is above it.
        precision: (point) in [0, 1].
        recall: (point) in [0, 1], rising.
        prevalence: Share of lesion voxels: the precision of a score that knows nothing.
    """

    threshold: Float[np.ndarray, " point"]
    precision: Float[np.ndarray, " point"]
    recall: Float[np.ndarray, " point"]
    prevalence: float


def precision_recall(counts: ScoreCounts) -> PrecisionRecall:
    """Return the precision-recall curve: one point per bin, the highest score first.

    Without lesion voxels recall is undefined and nan.
    """
    true = np.cumsum(counts.lesion[::-1])
    positive = true + np.cumsum(counts.normal[::-1])
    n_lesion = counts.n_lesion
    recall = true / n_lesion if n_lesion else np.full(true.shape, np.nan)
    return PrecisionRecall(
        threshold=counts.thresholds()[::-1],
        precision=true / positive,
        recall=recall,
        prevalence=prevalence(counts),
    )


def average_precision(counts: ScoreCounts) -> float:
    """Return the area under the precision-recall curve, summed step by step (AUPRC).

    The sum over thresholds of precision times the rise in recall; no straight line is drawn
    between two points, which would be too optimistic. nan without lesion voxels.

    Source: Davis and Goadrich 2006, "The relationship between precision-recall and ROC curves".
    """
    if not counts.n_lesion:
        return float("nan")
    true = np.cumsum(counts.lesion[::-1])
    positive = true + np.cumsum(counts.normal[::-1])
    return float(np.sum(true / positive * counts.lesion[::-1]) / true[-1])


def auroc(counts: ScoreCounts) -> float:
    """Return the chance that a lesion voxel scores above a normal one, ties counted half.

    nan when either kind is missing.
    """
    n_pairs = counts.n_lesion * counts.n_normal
    if not n_pairs:
        return float("nan")
    normal_below = np.cumsum(counts.normal) - counts.normal
    return float(np.sum(counts.lesion * (normal_below + counts.normal / 2)) / n_pairs)


def prevalence(counts: ScoreCounts) -> float:
    """Return the share of lesion voxels: the AUPRC of a score that knows nothing."""
    n_voxels = counts.n_lesion + counts.n_normal
    return counts.n_lesion / n_voxels if n_voxels else float("nan")


def dice_by_threshold(counts: ScoreCounts) -> Float[np.ndarray, " bin"]:
    """Return the Dice at each of `counts.thresholds()`, lowest first; nan without lesion."""
    if not counts.n_lesion:
        return np.full(counts.keys.shape, np.nan)
    true = np.cumsum(counts.lesion[::-1])[::-1]
    positive = true + np.cumsum(counts.normal[::-1])[::-1]
    return np.asarray(2 * true / (positive + counts.n_lesion))


def oracle_dice(counts: ScoreCounts) -> float:
    """Return the best Dice of any threshold. Chosen with the reference: an oracle, not a result."""
    return float(dice_by_threshold(counts).max()) if counts.n_lesion else float("nan")


def thin(curve: PrecisionRecall, *, n_points: int) -> PrecisionRecall:
    """Keep about `n_points` points of a curve, evenly spread over recall, ends included."""
    if curve.recall.size <= n_points or np.isnan(curve.recall).any():
        return curve
    kept = np.searchsorted(curve.recall, np.linspace(0, 1, n_points - 1))
    kept = np.unique(np.concatenate([kept, [0, curve.recall.size - 1]]))
    kept = kept[kept < curve.recall.size]
    return PrecisionRecall(
        threshold=curve.threshold[kept],
        precision=curve.precision[kept],
        recall=curve.recall[kept],
        prevalence=curve.prevalence,
    )
