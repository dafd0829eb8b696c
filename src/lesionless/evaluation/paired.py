"""Paired tests between methods over the same subjects, corrected for their number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from jaxtyping import Float

from lesionless.evaluation.bootstrap import bootstrap_mean
from lesionless.evaluation.settings import EvaluationSettings

NAN = float("nan")


@dataclass(frozen=True)
class Comparison:
    """Hold one paired comparison of two methods.

    Attributes:
        first: A method.
        second: The method it is compared with.
        difference: Mean over subjects of first minus second.
        lower: Lower end of the bootstrap interval of the difference.
        upper: Upper end.
        p: Two-sided sign-flip p-value; nan below two subjects.
        p_holm: The same after Holm's correction over all pairs of the family.
        n: Subjects with a value for both methods.
    """

    first: str
    second: str
    difference: float
    lower: float
    upper: float
    p: float
    p_holm: float
    n: int


def compare_all(
    values: Mapping[str, Mapping[str, float]], settings: EvaluationSettings
) -> list[Comparison]:
    """Compare every pair of methods; the pairs are one family for Holm's correction.

    Args:
        values: From method to subject to value; nan where undefined.
        settings: Draws, confidence and seed.
    """
    pairs = list(combinations(values, 2))
    differences = [_differences(values[first], values[second]) for first, second in pairs]
    p_values = [
        sign_flip_test(difference, draws=settings.permutation_draws, seed=settings.seed)
        for difference in differences
    ]
    return [
        _comparison(pair, difference, p, p_holm, settings)
        for pair, difference, p, p_holm in zip(
            pairs, differences, p_values, holm(p_values), strict=True
        )
    ]


def sign_flip_test(differences: Float[np.ndarray, " subject"], *, draws: int, seed: int) -> float:
    """Return the two-sided p-value of a mean paired difference under random sign flips.

    All 2**n sign patterns are tried when they are not more than `draws`; otherwise `draws` random
    ones, counting the observed one among them.

    Args:
        differences: (subject) finite paired differences.
        draws: Number of sign patterns.
        seed: Seed of the random patterns.

    Source: Fisher 1935, "The Design of Experiments"; Phipson and Smyth 2010 for the observed one.

    Example:
        >>> sign_flip_test(np.array([0.1, 0.2, 0.3, 0.4]), draws=1000, seed=0)
        0.125
    """
    n = differences.size
    if n < 2:
        return NAN
    is_exact = n < 60 and 2**n <= draws
    signs = _all_signs(n) if is_exact else _random_signs(n, draws, seed)
    # the slack lets sums that differ by rounding alone count as equal
    slack = 1e-9 * float(np.abs(differences).sum())
    as_extreme = np.abs(signs @ differences) >= abs(differences.sum()) - slack
    if is_exact:
        return float(as_extreme.mean())
    return float((1 + as_extreme.sum()) / (1 + draws))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number by Holm's step-down method; nan stays and is not counted.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    defined = sorted((p, at) for at, p in enumerate(p_values) if not np.isnan(p))
    corrected = [NAN] * len(p_values)
    highest = 0.0
    for rank, (p, at) in enumerate(defined):
        highest = max(highest, min(1.0, (len(defined) - rank) * p))
        corrected[at] = highest
    return corrected


def _differences(first: Mapping[str, float], second: Mapping[str, float]) -> np.ndarray:
    both = [first[subject] - second[subject] for subject in first if subject in second]
    differences = np.array(both, dtype=float)
    return np.asarray(differences[~np.isnan(differences)])


def _comparison(
    pair: tuple[str, str],
    differences: np.ndarray,
    p: float,
    p_holm: float,
    settings: EvaluationSettings,
) -> Comparison:
    interval = bootstrap_mean(
        differences,
        draws=settings.bootstrap_draws,
        confidence=settings.confidence,
        seed=settings.seed,
    )
    return Comparison(
        first=pair[0],
        second=pair[1],
        difference=interval.mean,
        lower=interval.lower,
        upper=interval.upper,
        p=p,
        p_holm=p_holm,
        n=interval.n,
    )


@lru_cache(maxsize=16)
def _all_signs(n: int) -> np.ndarray:
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    return (2 * bits - 1).astype(np.float64)


@lru_cache(maxsize=16)
def _random_signs(n: int, draws: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, n))
