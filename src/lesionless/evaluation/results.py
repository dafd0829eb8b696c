"""What an evaluation finds: a tidy table, summaries, tests and curves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from lesionless.evaluation.agreement import Agreement
from lesionless.evaluation.froc import Froc
from lesionless.evaluation.paired import Comparison
from lesionless.evaluation.precision_recall import PrecisionRecall
from lesionless.evaluation.score_counts import ScoreCounts
from lesionless.evaluation.settings import EvaluationSettings

THRESHOLD_FREE = "any"
"""Stands for the operating point where a metric judges the score map, not a mask."""


class Group(NamedTuple):
    """Name the scans that are pooled: those of one method, one seed and one region."""

    method: str
    seed: int | None
    region: str


@dataclass(frozen=True)
class Row:
    """Hold the metrics of one scan, method, region and operating point.

    Attributes:
        subject: The subject.
        name: The scan.
        method: The method.
        seed: Seed of the training run, where there are several.
        region: `all`, or the name of a region or tissue.
        operating_point: Its name; `any` for metrics of the score map.
        truth: `lesion`, `healthy` (no reference lesion in the region) or `unknown`.
        lost_lesion_ml: Reference lesion volume outside the brain mask, which nothing here judges.
        values: From the name of a metric to its value; nan where it is undefined.
    """

    subject: str
    name: str
    method: str
    seed: int | None
    region: str
    operating_point: str
    truth: str
    lost_lesion_ml: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class Summary:
    """Hold one number of one method, over all scans with a known reference.

    Attributes:
        method: The method.
        region: `all`, or the name of a region or tissue.
        operating_point: Its name; `any` for metrics of the score map.
        metric: A key of `METRICS`.
        scope: `subject`: mean over subjects; `pooled`: all scans as one.
        value: The mean or the pooled value; over seeds the mean of theirs.
        sd: Standard deviation over subjects; nan when pooled.
        lower: Lower end of the bootstrap interval over subjects; nan where none is given.
        upper: Upper end.
        n: Subjects behind the value.
        n_undefined: Subjects for whom the metric is undefined; not in the mean.
        n_seeds: Training runs behind the value.
        seed_sd: Standard deviation of the value over training runs; nan below two.
    """

    method: str
    region: str
    operating_point: str
    metric: str
    scope: Literal["subject", "pooled"]
    value: float
    sd: float
    lower: float
    upper: float
    n: int
    n_undefined: int
    n_seeds: int
    seed_sd: float


class Setting(NamedTuple):
    """Name what is compared: one metric at one operating point in one region."""

    metric: str
    region: str
    operating_point: str


@dataclass(frozen=True, eq=False)
class DiceCurve:
    """Hold the mean Dice over subjects at each threshold, highest first.

    Attributes:
        threshold: (point) a voxel is positive when its score is above it.
        dice: (point) mean over subjects with lesions.
    """

    threshold: Float[np.ndarray, " point"]
    dice: Float[np.ndarray, " point"]


@dataclass(frozen=True, eq=False)
class Results:
    """Hold everything that one evaluation found.

    Attributes:
        settings: How it was made.
        rows: The tidy table.
        summary: Means and pooled values.
        comparisons: Paired tests between methods.
        agreements: Bland-Altman figures by (method, region, operating point).
        curves: Pooled precision-recall curve of each group, thinned for drawing.
        frocs: Free-response curve of each group.
        histograms: Pooled coarse counts of each group: normal and lesion voxels by score.
        dice_curves: Mean Dice over the threshold, of each group.
        seconds_per_slice: Time of each method, where it was measured.
    """

    settings: EvaluationSettings
    rows: tuple[Row, ...]
    summary: tuple[Summary, ...]
    comparisons: Mapping[Setting, tuple[Comparison, ...]]
    agreements: Mapping[tuple[str, str, str], Agreement]
    curves: Mapping[Group, PrecisionRecall]
    frocs: Mapping[Group, Froc]
    histograms: Mapping[Group, ScoreCounts]
    dice_curves: Mapping[Group, DiceCurve]
    seconds_per_slice: Mapping[str, float] = field(default_factory=dict)

    @property
    def methods(self) -> list[str]:
        """Return the methods in the order in which they came."""
        return list(dict.fromkeys(row.method for row in self.rows))

    @property
    def operating_points(self) -> list[str]:
        """Return the operating points in the order in which they came, without `any`."""
        names = dict.fromkeys(row.operating_point for row in self.rows)
        return [name for name in names if name != THRESHOLD_FREE]

    @property
    def regions(self) -> list[str]:
        """Return the regions and tissues in the order in which they came."""
        return list(dict.fromkeys(row.region for row in self.rows))

    def find(
        self, method: str, metric: str, *, region: str, operating_point: str, scope: str
    ) -> Summary | None:
        """Return one summary, or None where the method has none."""
        wanted = (method, metric, region, operating_point, scope)
        for entry in self.summary:
            key = (entry.method, entry.metric, entry.region, entry.operating_point, entry.scope)
            if key == wanted:
                return entry
        return None
