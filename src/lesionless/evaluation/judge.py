"""Judge one scan: everything the tables need of it, small enough to be kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from lesionless.arrays import Mask
from lesionless.evaluation import froc, lesions, overlap
from lesionless.evaluation.box import bounding_box
from lesionless.evaluation.case import WHOLE, Case
from lesionless.evaluation.lesions import LesionCounts
from lesionless.evaluation.metrics import METRICS, Statistic
from lesionless.evaluation.overlap import Confusion, confusion
from lesionless.evaluation.results import THRESHOLD_FREE, Group, Row
from lesionless.evaluation.score_counts import ScoreCounts, count_scores
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.evaluation.surface import surface_distances


@dataclass(frozen=True, eq=False)
class Judgement:
    """Hold what is kept of one scan in one region; all counts add up over scans.

    Attributes:
        group: Method, seed and region.
        subject: The subject.
        rows: The scan's lines of the tidy table.
        scores: Voxels by score; None for a tissue or an unknown reference.
        voxels: Confusion by operating point; empty for an unknown reference.
        lesions: Lesion counts by operating point; empty for a tissue or an unknown reference.
        froc: Lesion counts by threshold; likewise.
    """

    group: Group
    subject: str
    rows: tuple[Row, ...]
    scores: ScoreCounts | None
    voxels: Mapping[str, Confusion]
    lesions: Mapping[str, LesionCounts]
    froc: tuple[LesionCounts, ...]


def judge(
    case: Case, settings: EvaluationSettings, froc_thresholds: Float[np.ndarray, " point"]
) -> list[Judgement]:
    """Judge one method on one scan: the whole brain, each region and each tissue.

    Args:
        case: The maps and masks.
        settings: The choices.
        froc_thresholds: (point) where the free-response curve is sampled; the same for all scans.
    """
    regions = [_View(case, name, case.inside(name)) for name in (WHOLE, *case.regions)]
    tissues = [_View(case, name, case.brain & mask) for name, mask in case.tissues.items()]
    if case.lesion is None:
        return [_judge_unknown(view) for view in regions]
    return [_judge_region(view, settings, froc_thresholds) for view in regions] + [
        _judge_tissue(view) for view in tissues
    ]


class _View:
    """One region of a case, cut to its bounding box."""

    def __init__(self, case: Case, name: str, inside: Mask) -> None:
        box = bounding_box(inside)
        lesion = np.zeros(case.brain.shape, bool) if case.lesion is None else case.lesion
        self.case = case
        self.name = name
        self.inside = inside[box]
        self.score = case.score[box]
        self.lesion = lesion[box] & self.inside
        self.segmentations = {
            point: mask[box] & self.inside for point, mask in case.segmentations.items()
        }
        self.lost_ml = float(np.count_nonzero(lesion & ~case.brain)) * case.voxel_ml

    def confusions(self) -> dict[str, Confusion]:
        lesion = self.lesion[self.inside]
        return {
            point: confusion(mask[self.inside], lesion, voxel_ml=self.case.voxel_ml)
            for point, mask in self.segmentations.items()
        }

    def row(self, operating_point: str, values: Mapping[str, float]) -> Row:
        truth = "lesion" if self.lesion.any() else "healthy"
        return Row(
            subject=self.case.subject,
            name=self.case.name,
            method=self.case.method,
            seed=self.case.seed,
            region=self.name,
            operating_point=operating_point,
            truth=truth if self.case.lesion is not None else "unknown",
            lost_lesion_ml=self.lost_ml,
            values=values,
        )

    def judgement(self, rows: list[Row], **counts: Any) -> Judgement:
        empty: dict[str, Any] = {"scores": None, "voxels": {}, "lesions": {}, "froc": ()}
        return Judgement(
            group=Group(self.case.method, self.case.seed, self.name),
            subject=self.case.subject,
            rows=tuple(rows),
            **(empty | counts),
        )


def _judge_region(
    view: _View, settings: EvaluationSettings, froc_thresholds: np.ndarray
) -> Judgement:
    spacing_mm, rules = view.case.spacing_mm, settings.lesion_rules
    scores = count_scores(view.score[view.inside], view.lesion[view.inside])
    voxels = view.confusions()
    reference = lesions.label_reference(view.lesion, spacing_mm=spacing_mm, rules=rules)
    counts = {
        point: lesions.count_lesions(mask, reference, spacing_mm=spacing_mm, rules=rules)
        for point, mask in view.segmentations.items()
    }
    rows = [view.row(THRESHOLD_FREE, _values("scores", scores))]
    for point, mask in view.segmentations.items():
        distances = surface_distances(
            mask, view.lesion, spacing_mm=spacing_mm, tolerance_mm=settings.surface_tolerance_mm
        )
        values = (
            _values("voxels", voxels[point])
            | _values("lesions", counts[point])
            | _values("surfaces", distances)
        )
        rows.append(view.row(point, values))
    sampled = froc.count_over_thresholds(
        view.score, view.inside, reference, froc_thresholds, spacing_mm=spacing_mm, rules=rules
    )
    return view.judgement(rows, scores=scores, voxels=voxels, lesions=counts, froc=tuple(sampled))


def _judge_tissue(view: _View) -> Judgement:
    voxels = view.confusions()
    rows = [
        view.row(
            point,
            {
                "false_positive_rate": overlap.false_positive_rate(counts),
                "false_positive_ml": overlap.false_positive_ml(counts),
            },
        )
        for point, counts in voxels.items()
    ]
    return view.judgement(rows, voxels=voxels)


def _judge_unknown(view: _View) -> Judgement:
    """Without a reference only the segmented volume is known."""
    rows = [
        view.row(point, {"segmentation_ml": counts.segmentation_ml})
        for point, counts in view.confusions().items()
    ]
    return view.judgement(rows)


def _values(statistic: Statistic, counts: Any) -> dict[str, float]:
    return {
        name: metric.function(counts)
        for name, metric in METRICS.items()
        if metric.statistic == statistic
    }
