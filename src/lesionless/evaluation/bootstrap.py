"""Intervals by resampling the subjects."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy import special

from lesionless.evaluation.score_counts import ScoreCounts, align

NAN = float("nan")


@dataclass(frozen=True)
class Interval:
    """Hold a mean over subjects and how sure it is.

    Attributes:
        mean: Mean of the defined values; nan when there is none.
        sd: Standard deviation over subjects (n - 1); nan below two.
        lower: Lower end of the bootstrap interval of the mean; nan below two subjects.
        upper: Upper end.
        n: Subjects with a defined value.
        n_undefined: Subjects whose value is nan; left out of the mean, and counted here.
    """

    mean: float
    sd: float
    lower: float
    upper: float
    n: int
    n_undefined: int


def bootstrap_mean(
    values: Float[np.ndarray, " subject"], *, draws: int, confidence: float, seed: int
) -> Interval:
    """Return the mean over subjects with its expanded percentile bootstrap interval.

    The plain percentile interval is too narrow for few subjects (for seven it misses the mean
    about twice as often as it says). Its level is therefore widened so that it has the length of
    Student's interval where the values are normal, and follows their skew where they are not.

    Args:
        values: (subject) one value each; nan where undefined.
        draws: Resamplings, with replacement.
        confidence: Coverage, for example 0.95.
        seed: Seed of the resampling; one seed gives the same draws to every metric.

    Source: Hesterberg 2015, "What teachers should know about the bootstrap", Sec. 5.3.
    """
    values = np.asarray(values, dtype=float)
    defined = values[~np.isnan(values)]
    n = int(defined.size)
    lower, upper = NAN, NAN
    if n > 1:
        means = resampling_weights(n, draws, seed) @ defined / n
        lower, upper = _ends(means, n, confidence)
    return Interval(
        mean=float(defined.mean()) if n else NAN,
        sd=float(defined.std(ddof=1)) if n > 1 else NAN,
        lower=lower,
        upper=upper,
        n=n,
        n_undefined=int(values.size) - n,
    )


def bootstrap_average_precision(
    subjects: Sequence[ScoreCounts], *, draws: int, confidence: float, seed: int
) -> tuple[float, float]:
    """Return the interval of the pooled AUPRC, by resampling whole subjects.

    Args:
        subjects: One (coarse) count per subject.
        draws: Resamplings, with replacement.
        confidence: Coverage, for example 0.95.
        seed: Seed of the resampling.

    Returns:
        Lower and upper end; nan below two subjects or without lesions.
    """
    if len(subjects) < 2 or not any(part.n_lesion for part in subjects):
        return NAN, NAN
    _, lesion, normal = align(subjects)
    lesion, normal = lesion[:, ::-1], normal[:, ::-1]
    weights = resampling_weights(len(subjects), draws, seed)
    values = np.concatenate(
        [_average_precisions(part @ lesion, part @ normal) for part in _blocks(weights)]
    )
    return _ends(values[~np.isnan(values)], len(subjects), confidence)


@lru_cache(maxsize=64)
def resampling_weights(n: int, draws: int, seed: int) -> Float[np.ndarray, "draw subject"]:
    """Return how often each of n subjects is drawn in each resampling."""
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)
    weights = weights.astype(np.float64)
    weights.flags.writeable = False
    return np.asarray(weights)


def _ends(values: np.ndarray, n: int, confidence: float) -> tuple[float, float]:
    """Return the percentiles of the draws at the level widened for n subjects."""
    student = special.stdtrit(n - 1, (1 - confidence) / 2)
    outside = 100 * special.ndtr(np.sqrt(n / (n - 1)) * student)
    lower, upper = np.percentile(values, [outside, 100 - outside])
    return float(lower), float(upper)


def _blocks(weights: np.ndarray) -> list[np.ndarray]:
    """Split the draws, so that no block needs much memory."""
    return np.array_split(weights, max(1, len(weights) // 100))


def _average_precisions(lesion: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return the AUPRC of each draw (draw, bin); nan for a draw without lesions."""
    true = np.cumsum(lesion, axis=1)
    positive = true + np.cumsum(normal, axis=1)
    n_lesion = true[:, -1]
    precision = np.divide(true, positive, out=np.zeros_like(true), where=positive > 0)
    area = np.sum(precision * lesion, axis=1)
    undefined = np.full(area.shape, np.nan)
    return np.asarray(np.divide(area, n_lesion, out=undefined, where=n_lesion > 0))
