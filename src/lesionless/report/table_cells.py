"""How the numbers of an evaluation are written in the cells and notes of a table."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lesionless.evaluation.case import WHOLE
from lesionless.evaluation.metrics import METRICS
from lesionless.evaluation.results import THRESHOLD_FREE, Results, Setting, Summary

NONE = "-"
"""Stands where there is no value."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Write the cells of a table of one region at one operating point.

    Attributes:
        results: The evaluation.
        region: `all` or the name of a region.
        operating_point: Its name; metrics of the score map do without.
    """

    results: Results
    region: str
    operating_point: str

    def subject(self, method: str, metric: str) -> str:
        """Return the mean over subjects, with spread and interval."""
        return self._text(method, metric, "subject")

    def pooled(self, method: str, metric: str) -> str:
        """Return the value of all scans as one, with its interval where there is one."""
        return self._text(method, metric, "pooled")

    def undefined_notes(self, metrics: Iterable[str]) -> list[str]:
        """Say for how many subjects metrics are undefined, where there are any."""
        labels: dict[tuple[int, int], list[str]] = {}
        for metric in metrics:
            found = [self._find(method, metric, "subject") for method in self.results.methods]
            counts = max(((one.n_undefined, one.n) for one in found if one), default=(0, 0))
            if counts[0]:
                labels.setdefault(counts, []).append(METRICS[metric].label)
        return [
            f"Undefined, and left out, for {n_undefined} of {n_undefined + n} subjects: "
            f"{', '.join(names)}."
            for (n_undefined, n), names in labels.items()
        ]

    def _text(self, method: str, metric: str, scope: str) -> str:
        found = self._find(method, metric, scope)
        return NONE if found is None else summary_text(found, digits=_digits(metric))

    def _find(self, method: str, metric: str, scope: str) -> Summary | None:
        setting = setting_of(metric, self.region, self.operating_point)
        return self.results.find(
            method,
            metric,
            region=setting.region,
            operating_point=setting.operating_point,
            scope=scope,
        )


def setting_of(metric: str, region: str, operating_point: str) -> Setting:
    """Return what a metric is kept under; metrics of the score map know no operating point."""
    point = operating_point if METRICS[metric].needs_threshold else THRESHOLD_FREE
    return Setting(metric, region, point)


def summary_text(summary: Summary, *, digits: int) -> str:
    """Return `mean ± sd [lower, upper] (seeds ± sd)`, without what is undefined."""
    text = number_text(summary.value, digits)
    if not np.isnan(summary.sd):
        text += f" ± {number_text(summary.sd, digits)}"
    if not np.isnan(summary.lower):
        text += f" [{number_text(summary.lower, digits)}, {number_text(summary.upper, digits)}]"
    if summary.n_seeds > 1:
        text += f" (seeds ± {number_text(summary.seed_sd, digits)})"
    return text


def number_text(value: float, digits: int = 3) -> str:
    """Return a number with so many decimals, `-` for nan."""
    return NONE if np.isnan(value) else f"{value:.{digits}f}"


def p_text(p: float) -> str:
    """Return a p-value with three decimals, `<0.001` below them."""
    return "<0.001" if p < 0.001 else number_text(p)


def metric_label(metric: str) -> str:
    """Return a metric's label with its unit."""
    entry = METRICS[metric]
    return f"{entry.label} ({entry.unit})" if entry.unit else entry.label


def region_text(region: str) -> str:
    """Return a region as it stands in a title."""
    return "whole brain" if region == WHOLE else f"region {region}"


def _digits(metric: str) -> int:
    if metric in ("false_positive_rate", "prevalence"):
        return 4
    return 2 if METRICS[metric].unit else 3
