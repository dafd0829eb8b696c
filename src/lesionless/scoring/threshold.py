"""Operating points found on scans without lesions; no label is used anywhere here.

A voxel is segmented when its score is *greater than* the threshold.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from lesionless.errors import UsageError

logger = logging.getLogger(__name__)

CONFIDENCE = 0.9
"""Probability with which the conformal operating points keep their promise."""

NormalScores: TypeAlias = Sequence[Float[np.ndarray, " voxel"]]
"""One 1-D array per scan: the scores of its brain voxels, all of them normal."""


@dataclass(frozen=True)
class OperatingPoint:
    """Say how a threshold is found.

    Attributes:
        name: Short name, for files and tables.
        description: What the threshold promises, as a phrase for a methods section.
        source: Which normal scans it is found on: those the model was trained on, or others.
        threshold: The rule, from the scores of those scans to a threshold.
    """

    name: str
    description: str
    source: Literal["training", "held-out"]
    threshold: Callable[[NormalScores], float]


def rate_threshold(scans: NormalScores, rate: float) -> float:
    """Return the lowest score that at most a share `rate` of all normal voxels exceeds.

    The voxels of all scans are pooled. With ties the true share may be below `rate`, never above.

    Raises:
        UsageError: There is no voxel, or the rate is not between 0 and 1.

    Example:
        >>> rate_threshold([np.array([1.0, 2.0]), np.array([3.0, 4.0])], 0.25)
        3.0
    """
    _check(scans, rate)
    scores = np.concatenate([np.ravel(scan) for scan in scans])
    if scores.size * rate < 1:
        logger.warning(
            "%d normal voxels cannot resolve a false-positive rate of %g; the threshold is their "
            "highest score. Give more normal scans.",
            scores.size,
            rate,
        )
    return _exceeded_by(scores, rate)


def conformal_threshold(scans: NormalScores, rate: float, *, confidence: float) -> float:
    """Return a threshold whose false-positive rate holds on a *new* scan with known probability.

    Each calibration scan gives the lowest threshold that keeps its own false-positive rate at or
    below `rate`. Of these n numbers the ceil((n + 1) * confidence)-th smallest is returned. A new
    normal scan, exchangeable with the calibration scans, then has a false-positive rate of at most
    `rate` with probability `confidence` or more, whatever the scores' distribution.

    Args:
        scans: Scores of held-out normal scans, never those the model was trained on.
        rate: Highest accepted share of false-positive voxels in a scan, in (0, 1).
        confidence: Probability over scans, in (0, 1).

    Returns:
        The threshold; infinity (nothing is segmented) when there are fewer scans than
        `scans_needed(confidence)`, because no finite number could keep the promise.

    Raises:
        UsageError: There is no voxel, or a share is not between 0 and 1.

    Source: Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World"; split
        conformal prediction with the scan, not the voxel, as the unit.
    """
    _check(scans, rate, confidence)
    rank = _rank(len(scans), confidence)
    if rank > len(scans):
        return math.inf
    return sorted(_exceeded_by(np.ravel(scan), rate) for scan in scans)[rank - 1]


def scans_needed(confidence: float) -> int:
    """Return the smallest number of scans that can carry a conformal bound.

    Example:
        >>> scans_needed(0.9), scans_needed(0.95)
        (9, 19)
    """
    n_scans = 1
    while _rank(n_scans, confidence) > n_scans:
        n_scans += 1
    return n_scans


def operating_points(training: NormalScores, held_out: NormalScores) -> dict[str, float]:
    """Return the thresholds of all operating points.

    Args:
        training: Scores of the normal scans that the model was trained on.
        held_out: Scores of other normal scans.

    Raises:
        UsageError: There are no scans of either kind.
    """
    scans: Mapping[str, NormalScores] = {"training": training, "held-out": held_out}
    thresholds = {
        name: point.threshold(scans[point.source]) for name, point in OPERATING_POINTS.items()
    }
    infinite = [name for name, threshold in thresholds.items() if math.isinf(threshold)]
    if infinite:
        logger.warning(
            "%s: no finite threshold, since it takes %d held-out normal scans, found %d. The other "
            "operating points are not concerned.",
            *(", ".join(infinite), scans_needed(CONFIDENCE), len(held_out)),
        )
    return thresholds


def point_named(name: str) -> OperatingPoint:
    """Return the operating point of a name.

    Raises:
        UsageError: There is none.
    """
    if name not in OPERATING_POINTS:
        raise UsageError(
            f"Expected an operating point out of {', '.join(OPERATING_POINTS)}, found {name!r}."
        )
    return OPERATING_POINTS[name]


def _exceeded_by(scores: Float[np.ndarray, " voxel"], rate: float) -> float:
    """Return the lowest score that at most a share `rate` of the voxels exceeds."""
    n_above = math.floor(scores.size * rate + 1e-6)  # 0.01 * 2900 is 28.999... in floating point
    at = scores.size - 1 - min(n_above, scores.size - 1)
    return float(np.partition(scores, at)[at])


def _rank(n_scans: int, confidence: float) -> int:
    return math.ceil((n_scans + 1) * confidence - 1e-9)


def _check(scans: NormalScores, *shares: float) -> None:
    if not scans or min(np.size(scan) for scan in scans) == 0:
        raise UsageError(
            f"Expected normal scans with brain voxels, found {len(scans)} scans of "
            f"{[int(np.size(scan)) for scan in scans]} voxels. Give scans without lesions."
        )
    for share in shares:
        if not 0 < share < 1:
            raise UsageError(f"Expected a share between 0 and 1, found {share}.")


def _at_rate(rate: float) -> OperatingPoint:
    return OperatingPoint(
        name=f"fpr-{rate:.0e}".replace("e-0", "e-"),
        description=f"a voxel false-positive rate of {100 * rate:g} % on held-out normals",
        source="held-out",
        threshold=lambda scans: rate_threshold(scans, rate),
    )


def _conformal(rate: float) -> OperatingPoint:
    return OperatingPoint(
        name=f"conformal-{rate:.0e}".replace("e-0", "e-"),
        description=f"a false-positive rate of at most {100 * rate:g} % in a new healthy scan "
        f"with probability {100 * CONFIDENCE:g} %",
        source="held-out",
        threshold=lambda scans: conformal_threshold(scans, rate, confidence=CONFIDENCE),
    )


OPERATING_POINTS: dict[str, OperatingPoint] = {
    point.name: point
    for point in (
        OperatingPoint(
            name="p98",  # 98th percentile: Sec. 3.2
            description="the 98th percentile of the scores of the training normals",
            source="training",
            threshold=lambda scans: rate_threshold(scans, 0.02),
        ),
        *(_at_rate(rate) for rate in (1e-2, 3e-3, 2e-3, 1e-3, 1e-4)),
        *(_conformal(rate) for rate in (1e-2, 1e-3)),
    )
}
