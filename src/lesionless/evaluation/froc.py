"""Free-response curve: lesions found against false components per scan, over the threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lesionless.arrays import Mask, Volume
from lesionless.evaluation.lesions import LesionCounts, LesionRules, Reference, count_lesions, pool


@dataclass(frozen=True, eq=False)
class Froc:
    """Hold a free-response curve, from the highest threshold to the lowest.

    Attributes:
        threshold: (point) a voxel is positive when its score is above it.
        sensitivity: (point) detected share of all reference lesions of all scans.
        false_per_scan: (point) false components per scan, over all scans, healthy ones included.
        n_scans: Scans behind the curve.
        n_lesions: Reference lesions behind the curve.
    """

    threshold: Float[np.ndarray, " point"]
    sensitivity: Float[np.ndarray, " point"]
    false_per_scan: Float[np.ndarray, " point"]
    n_scans: int
    n_lesions: int


def froc_thresholds(
    scores: Float[np.ndarray, " voxel"], *, n_points: int
) -> Float[np.ndarray, " point"]:
    """Choose where to sample the curve: at quantiles of the scores of one scan, highest first.

    From the score that one voxel in twenty exceeds up to the highest, evenly in the logarithm of
    the share of voxels above, and some higher ones for scans that score higher. Each sampled point
    is exact for its threshold; the choice only says where the curve is drawn.

    Args:
        scores: (voxel) scores inside the brain.
        n_points: Number of quantiles; 0 gives no thresholds.
    """
    if n_points == 0:
        return np.zeros(0)
    share_above = np.logspace(np.log10(0.05), np.log10(1 / scores.size), n_points)
    within = np.quantile(scores, 1 - share_above)
    beyond = within[-1] + (within[-1] - within[0]) * np.array([0.25, 0.5, 1, 2])
    return np.unique(np.concatenate([within, beyond]))[::-1]


def count_over_thresholds(
    score: Volume,
    inside: Mask,
    reference: Reference,
    thresholds: Float[np.ndarray, " point"],
    *,
    spacing_mm: tuple[float, float, float],
    rules: LesionRules,
) -> list[LesionCounts]:
    """Count lesions and components of one scan at each threshold.

    Args:
        score: (i, j, k) anomaly score.
        inside: (i, j, k) the part of the brain that is judged.
        reference: The labelled reference lesions.
        thresholds: (point).
        spacing_mm: Voxel size along each axis.
        rules: What counts as a lesion.
    """
    return [
        count_lesions((score > at) & inside, reference, spacing_mm=spacing_mm, rules=rules)
        for at in thresholds
    ]


def froc(scans: Sequence[Sequence[LesionCounts]], thresholds: Float[np.ndarray, " point"]) -> Froc:
    """Put the counts of several scans together.

    Args:
        scans: One sequence per scan, of one count per threshold.
        thresholds: (point), highest first.
    """
    pooled = [pool(scan[at] for scan in scans) for at in range(len(thresholds))]
    n_lesions = pooled[0].n_lesions if pooled else 0
    detected = np.array([counts.n_detected for counts in pooled], dtype=float)
    return Froc(
        threshold=np.asarray(thresholds, dtype=float),
        sensitivity=detected / n_lesions if n_lesions else np.full(detected.shape, np.nan),
        false_per_scan=np.array([counts.false for counts in pooled]) / max(len(scans), 1),
        n_scans=len(scans),
        n_lesions=n_lesions,
    )
