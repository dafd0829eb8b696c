"""Judge a stream of scans and put the results together."""

import logging
from collections.abc import Iterable, Mapping

import numpy as np

from lesionless.errors import UsageError
from lesionless.evaluation.case import Case
from lesionless.evaluation.froc import froc_thresholds
from lesionless.evaluation.judge import judge
from lesionless.evaluation.results import Group, Results, Row
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.evaluation.summarise import (
    SubjectValues,
    compare_methods,
    summarise_pooled,
    summarise_subjects,
    volume_agreement,
)
from lesionless.evaluation.tally import Tally

logger = logging.getLogger(__name__)


def evaluate(
    cases: Iterable[Case],
    settings: EvaluationSettings,
    *,
    seconds_per_slice: Mapping[str, float] | None = None,
) -> Results:
    """Judge scans one after the other; only one is held in memory.

    Args:
        cases: Methods and scans in any order.
        settings: The choices; written beside the results.
        seconds_per_slice: Time of each method, where it was measured; passed on to the tables.

    Raises:
        UsageError: There is no case, or one scan comes twice for one method and seed.
    """
    rows: list[Row] = []
    tallies: dict[Group, Tally] = {}
    thresholds: dict[tuple[str, int | None], np.ndarray] = {}
    seen: set[tuple[str, int | None, str]] = set()
    for case in cases:
        _check_new(case, seen)
        at = _froc_thresholds(case, settings, thresholds)
        for judgement in judge(case, settings, at):
            rows.extend(judgement.rows)
            tallies.setdefault(judgement.group, Tally()).add(judgement)
        logger.info("judged %s of %s", case.name, case.method)
    if not rows:
        raise UsageError("Expected scans to evaluate, found none. Check the folder and pattern.")
    return _results(rows, tallies, thresholds, settings, dict(seconds_per_slice or {}))


def _check_new(case: Case, seen: set[tuple[str, int | None, str]]) -> None:
    key = (case.method, case.seed, case.name)
    if key in seen:
        raise UsageError(
            f"Expected each scan once per method and seed, found {case.name} of {case.method} "
            f"(seed {case.seed}) twice. Give scans different names."
        )
    seen.add(key)


def _froc_thresholds(
    case: Case, settings: EvaluationSettings, known: dict[tuple[str, int | None], np.ndarray]
) -> np.ndarray:
    """Return the method's thresholds; its first scan sets them for all that follow."""
    key = (case.method, case.seed)
    if key not in known:
        known[key] = froc_thresholds(case.score[case.brain], n_points=settings.froc_points)
    return known[key]


def _results(
    rows: list[Row],
    tallies: dict[Group, Tally],
    thresholds: dict[tuple[str, int | None], np.ndarray],
    settings: EvaluationSettings,
    seconds_per_slice: dict[str, float],
) -> Results:
    values = SubjectValues(rows)
    scored = {group: tally for group, tally in tallies.items() if tally.subjects}
    return Results(
        settings=settings,
        rows=tuple(rows),
        summary=tuple(summarise_subjects(values, settings) + summarise_pooled(tallies, settings)),
        comparisons=compare_methods(values, settings),
        agreements=volume_agreement(rows),
        curves={group: tally.curve() for group, tally in scored.items()},
        frocs={
            group: tally.froc_curve(thresholds[group.method, group.seed])
            for group, tally in tallies.items()
            if tally.froc
        },
        histograms={group: tally.histogram() for group, tally in scored.items()},
        dice_curves={group: tally.dice_curve() for group, tally in scored.items()},
        seconds_per_slice=seconds_per_slice,
    )
