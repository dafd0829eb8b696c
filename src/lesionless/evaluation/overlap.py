"""Voxel counts of a segmentation against the reference, and the measures made from them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

NAN = float("nan")


@dataclass(frozen=True)
class Confusion:
    """Hold the four counts of a segmentation inside the brain, and the volumes they stand for.

    Attributes:
        true_positive: Segmented lesion voxels.
        false_positive: Segmented voxels that are not lesion.
        false_negative: Lesion voxels that were missed.
        true_negative: The rest of the brain.
        lesion_ml: Volume of the reference lesions.
        segmentation_ml: Volume of the segmentation.
        false_positive_ml: Volume segmented outside the reference lesions.
    """

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int
    lesion_ml: float
    segmentation_ml: float
    false_positive_ml: float


def confusion(
    segmentation: Bool[np.ndarray, " voxel"],
    lesion: Bool[np.ndarray, " voxel"],
    *,
    voxel_ml: float,
) -> Confusion:
    """Count the voxels of one scan.

    Args:
        segmentation: (voxel) ours, brain voxels only.
        lesion: (voxel) the reference, the same voxels.
        voxel_ml: Volume of a voxel in millilitres.
    """
    n_segmented = int(np.count_nonzero(segmentation))
    n_lesion = int(np.count_nonzero(lesion))
    n_both = int(np.count_nonzero(segmentation & lesion))
    return Confusion(
        true_positive=n_both,
        false_positive=n_segmented - n_both,
        false_negative=n_lesion - n_both,
        true_negative=int(lesion.size) - n_segmented - n_lesion + n_both,
        lesion_ml=n_lesion * voxel_ml,
        segmentation_ml=n_segmented * voxel_ml,
        false_positive_ml=(n_segmented - n_both) * voxel_ml,
    )


def pool(parts: Iterable[Confusion]) -> Confusion:
    """Add up the counts and volumes of several scans."""
    parts = list(parts)
    return Confusion(
        true_positive=sum(part.true_positive for part in parts),
        false_positive=sum(part.false_positive for part in parts),
        false_negative=sum(part.false_negative for part in parts),
        true_negative=sum(part.true_negative for part in parts),
        lesion_ml=sum(part.lesion_ml for part in parts),
        segmentation_ml=sum(part.segmentation_ml for part in parts),
        false_positive_ml=sum(part.false_positive_ml for part in parts),
    )


def dice(counts: Confusion) -> float:
    """Return 2 TP / (2 TP + FP + FN); nan without reference lesions.

    Example:
        >>> dice(confusion(np.array([1, 1, 0]) > 0, np.array([1, 0, 0]) > 0, voxel_ml=1))
        0.6666666666666666
    """
    if not _n_lesion(counts):
        return NAN
    twice = 2 * counts.true_positive
    return twice / (twice + counts.false_positive + counts.false_negative)


def precision(counts: Confusion) -> float:
    """Return TP / (TP + FP); nan without reference lesions or without a segmented voxel."""
    n_segmented = counts.true_positive + counts.false_positive
    return counts.true_positive / n_segmented if _n_lesion(counts) and n_segmented else NAN


def recall(counts: Confusion) -> float:
    """Return TP / (TP + FN); nan without reference lesions."""
    return counts.true_positive / _n_lesion(counts) if _n_lesion(counts) else NAN


def false_positive_rate(counts: Confusion) -> float:
    """Return FP / (FP + TN), the segmented share of the voxels that are not lesion."""
    n_normal = counts.false_positive + counts.true_negative
    return counts.false_positive / n_normal if n_normal else NAN


def false_positive_ml(counts: Confusion) -> float:
    """Return the volume segmented outside the reference lesions; defined for every scan."""
    return counts.false_positive_ml


def healthy_false_positive_ml(counts: Confusion) -> float:
    """Return the false-positive volume of a scan without lesions; nan for the others."""
    return NAN if _n_lesion(counts) else counts.false_positive_ml


def lesion_ml(counts: Confusion) -> float:
    """Return the volume of the reference lesions."""
    return counts.lesion_ml


def segmentation_ml(counts: Confusion) -> float:
    """Return the segmented volume."""
    return counts.segmentation_ml


def volume_difference_ml(counts: Confusion) -> float:
    """Return segmented minus reference volume."""
    return counts.segmentation_ml - counts.lesion_ml


def _n_lesion(counts: Confusion) -> int:
    return counts.true_positive + counts.false_negative
