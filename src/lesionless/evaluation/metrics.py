"""The catalogue of metrics: what is computed, from which counts, and how it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from lesionless.evaluation import detection, overlap, precision_recall, surface

Statistic: TypeAlias = Literal["scores", "voxels", "lesions", "surfaces"]
"""`ScoreCounts`, `Confusion`, `LesionCounts` or `SurfaceDistances`: what a metric is made from."""


@dataclass(frozen=True)
class Metric:
    """Describe one metric.

    Attributes:
        name: Its name in files.
        label: Its name in tables and figures.
        unit: Its unit; empty for a share.
        better: Which way is better; `neither` for a description of the data.
        is_pooled: Whether it is also given for all scans as one, beside the mean over subjects.
        statistic: The counts that `function` takes.
        function: From the counts of one scan, or of several added up, to the value; nan where it
            is undefined.
    """

    name: str
    label: str
    unit: str
    better: Literal["higher", "lower", "neither"]
    is_pooled: bool
    statistic: Statistic
    function: Callable[[Any], float]

    @property
    def needs_threshold(self) -> bool:
        """Return True when it judges a mask, not the score map."""
        return self.statistic != "scores"


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("auprc", "AUPRC", "", "higher", True, "scores", precision_recall.average_precision),
        Metric("auroc", "AUROC", "", "higher", True, "scores", precision_recall.auroc),
        Metric(
            "prevalence", "Prevalence", "", "neither", True, "scores", precision_recall.prevalence
        ),
        Metric(
            "oracle_dice", "Oracle Dice", "", "higher", True, "scores", precision_recall.oracle_dice
        ),
        Metric("dice", "Dice", "", "higher", True, "voxels", overlap.dice),
        Metric("precision", "Precision", "", "higher", True, "voxels", overlap.precision),
        Metric("recall", "Recall", "", "higher", True, "voxels", overlap.recall),
        Metric(
            "false_positive_rate",
            "False-positive rate",
            "",
            "lower",
            True,
            "voxels",
            overlap.false_positive_rate,
        ),
        Metric(
            "false_positive_ml",
            "False positives",
            "ml",
            "lower",
            False,
            "voxels",
            overlap.false_positive_ml,
        ),
        Metric(
            "healthy_false_positive_ml",
            "False positives, healthy scans",
            "ml",
            "lower",
            False,
            "voxels",
            overlap.healthy_false_positive_ml,
        ),
        Metric("lesion_ml", "Lesion volume", "ml", "neither", False, "voxels", overlap.lesion_ml),
        Metric(
            "segmentation_ml",
            "Segmented volume",
            "ml",
            "neither",
            False,
            "voxels",
            overlap.segmentation_ml,
        ),
        Metric(
            "volume_difference_ml",
            "Segmented minus lesion volume",
            "ml",
            "neither",
            False,
            "voxels",
            overlap.volume_difference_ml,
        ),
        Metric(
            "lesion_sensitivity",
            "Lesion sensitivity",
            "",
            "higher",
            True,
            "lesions",
            detection.lesion_sensitivity,
        ),
        Metric(
            "small_sensitivity",
            "Lesion sensitivity, small",
            "",
            "higher",
            True,
            "lesions",
            detection.small_sensitivity,
        ),
        Metric(
            "medium_sensitivity",
            "Lesion sensitivity, medium",
            "",
            "higher",
            True,
            "lesions",
            detection.medium_sensitivity,
        ),
        Metric(
            "large_sensitivity",
            "Lesion sensitivity, large",
            "",
            "higher",
            True,
            "lesions",
            detection.large_sensitivity,
        ),
        Metric(
            "lesion_precision",
            "Lesion precision",
            "",
            "higher",
            True,
            "lesions",
            detection.lesion_precision,
        ),
        Metric("lesion_f1", "Lesion F1", "", "higher", True, "lesions", detection.lesion_f1),
        Metric(
            "false_positive_lesions",
            "False components",
            "per scan",
            "lower",
            False,
            "lesions",
            detection.false_positive_lesions,
        ),
        Metric(
            "surface_dice", "Surface Dice", "", "higher", False, "surfaces", surface.surface_dice
        ),
        Metric(
            "hausdorff_95", "Hausdorff 95 %", "mm", "lower", False, "surfaces", surface.hausdorff_95
        ),
    )
}
