"""Counts that grow while scans come by, one group (method, seed, region) each."""

from dataclasses import dataclass, field

import numpy as np

from lesionless.evaluation import lesions, overlap
from lesionless.evaluation.froc import Froc, froc
from lesionless.evaluation.judge import Judgement
from lesionless.evaluation.lesions import LesionCounts
from lesionless.evaluation.overlap import Confusion
from lesionless.evaluation.precision_recall import PrecisionRecall, precision_recall, thin
from lesionless.evaluation.results import DiceCurve
from lesionless.evaluation.score_counts import ScoreCounts, align, coarsen, merge

COARSE_BITS = 16
"""Leading bits of the score that are kept per subject: steps of 0.8 %."""

_CURVE_POINTS = 1000


@dataclass(eq=False)
class Tally:
    """Hold the counts of one group so far.

    Attributes:
        scores: All voxels by score.
        subjects: Voxels by coarse score, per subject.
        voxels: One confusion per scan, by operating point.
        lesions: One lesion count per scan, by operating point.
        froc: Per scan, one lesion count per threshold.
    """

    scores: ScoreCounts = field(default_factory=lambda: merge([]))
    subjects: dict[str, ScoreCounts] = field(default_factory=dict)
    voxels: dict[str, list[Confusion]] = field(default_factory=dict)
    lesions: dict[str, list[LesionCounts]] = field(default_factory=dict)
    froc: list[tuple[LesionCounts, ...]] = field(default_factory=list)

    def add(self, judgement: Judgement) -> None:
        """Add one scan."""
        if judgement.scores is not None:
            self.scores = merge([self.scores, judgement.scores])
            coarse = coarsen(judgement.scores, bits=COARSE_BITS)
            known = self.subjects.get(judgement.subject, merge([]))
            self.subjects[judgement.subject] = merge([known, coarse])
        for point, confusion in judgement.voxels.items():
            self.voxels.setdefault(point, []).append(confusion)
        for point, counts in judgement.lesions.items():
            self.lesions.setdefault(point, []).append(counts)
        if judgement.froc:
            self.froc.append(judgement.froc)

    def pooled_voxels(self) -> dict[str, Confusion]:
        """Return the confusion of all scans as one, by operating point."""
        return {point: overlap.pool(parts) for point, parts in self.voxels.items()}

    def pooled_lesions(self) -> dict[str, LesionCounts]:
        """Return the lesion counts of all scans as one, by operating point."""
        return {point: lesions.pool(parts) for point, parts in self.lesions.items()}

    def curve(self) -> PrecisionRecall:
        """Return the pooled precision-recall curve, thinned for drawing."""
        return thin(precision_recall(self.scores), n_points=_CURVE_POINTS)

    def froc_curve(self, thresholds: np.ndarray) -> Froc:
        """Return the free-response curve."""
        return froc(self.froc, thresholds)

    def histogram(self) -> ScoreCounts:
        """Return the voxels of all scans by coarse score."""
        return merge(self.subjects.values())

    def dice_curve(self) -> DiceCurve:
        """Return the mean Dice over subjects with lesions at each coarse threshold."""
        with_lesion = [counts for counts in self.subjects.values() if counts.n_lesion]
        total, lesion, normal = align(with_lesion)
        true = np.cumsum(lesion[:, ::-1], axis=1)
        positive = true + np.cumsum(normal[:, ::-1], axis=1)
        dice = 2 * true / (positive + lesion.sum(axis=1, keepdims=True))
        return DiceCurve(
            threshold=total.thresholds()[::-1].astype(float),
            dice=dice.mean(axis=0) if with_lesion else np.zeros(0),
        )
