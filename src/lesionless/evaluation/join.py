"""Several evaluations of the same scans as one, so that methods of different tools are compared."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain, combinations
from typing import TypeVar

from lesionless.errors import UsageError
from lesionless.evaluation.results import Results, Row
from lesionless.evaluation.summarise import (
    SubjectValues,
    compare_methods,
    summarise_subjects,
    volume_agreement,
)

logger = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")


def joined(results: Sequence[Results]) -> Results:
    """Return what one evaluation of all methods would have found.

    Tests between methods are made anew, over the scans that both were judged on; scans that are
    missing for a method are named in a warning.

    Args:
        results: At least one evaluation; no method stands in two.

    Raises:
        UsageError: They were made with different settings, a method stands in several, or two
            methods were judged on no common scan.
    """
    first, *others = results
    if any(asdict(other.settings) != asdict(first.settings) for other in others):
        raise UsageError(
            "Expected evaluations that were made with the same settings, found others. Evaluate "
            "all of them with one version, one --seed, and the same rules of what is a lesion."
        )
    _check_methods(results)
    rows = tuple(chain.from_iterable(part.rows for part in results))
    _name_missing(rows)
    values = SubjectValues(rows)
    pooled = [entry for part in results for entry in part.summary if entry.scope == "pooled"]
    return Results(
        settings=first.settings,
        rows=rows,
        summary=(*summarise_subjects(values, first.settings), *pooled),
        comparisons=compare_methods(values, first.settings),
        agreements=volume_agreement(rows),
        curves=_merged(part.curves for part in results),
        frocs=_merged(part.frocs for part in results),
        histograms=_merged(part.histograms for part in results),
        dice_curves=_merged(part.dice_curves for part in results),
        seconds_per_slice=_merged(part.seconds_per_slice for part in results),
    )


def _merged(parts: Iterable[Mapping[K, V]]) -> dict[K, V]:
    return {key: value for part in parts for key, value in part.items()}


def _check_methods(results: Sequence[Results]) -> None:
    methods = Counter(chain.from_iterable({row.method for row in part.rows} for part in results))
    if several := [method for method, n in methods.items() if n > 1]:
        raise UsageError(
            f"Expected each method in one evaluation, found {', '.join(sorted(several))} in "
            "several. Evaluate with --method NAME, another name each."
        )


def _name_missing(rows: Sequence[Row]) -> None:
    judged: dict[str, set[str]] = {}
    for row in rows:
        judged.setdefault(row.method, set()).add(row.name)
    for first, second in combinations(judged, 2):
        if judged[first].isdisjoint(judged[second]):
            raise UsageError(
                f"Expected methods that were judged on the same scans, found none that {first} "
                f"and {second} have in common."
            )
    everything = set().union(*judged.values())
    for method, names in judged.items():
        if missing := sorted(everything - names):
            logger.warning("%s was not judged on %s", method, ", ".join(missing))
