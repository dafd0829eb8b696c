"""The list of an evaluation's figures, and how all of them are written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lesionless.evaluation.case import WHOLE
from lesionless.evaluation.results import Results
from lesionless.report.curve_figures import (
    dice_threshold_figure,
    froc_figure,
    precision_recall_figure,
)
from lesionless.report.spread_figures import box_figure, score_histogram_figure, volume_figure
from lesionless.report.style import save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class EvaluationFigure:
    """List one figure.

    Attributes:
        draw: Takes results, operating point and region.
        caption: What it shows.
    """

    draw: Callable[..., "Figure"]
    caption: str


FIGURES: Mapping[str, EvaluationFigure] = {
    "precision_recall": EvaluationFigure(
        precision_recall_figure, "Precision and recall of all voxels, with the prevalence."
    ),
    "score_histogram": EvaluationFigure(
        score_histogram_figure,
        "Scores of normal and of lesion voxels, as in the paper's Fig. 6.",
    ),
    "per_subject": EvaluationFigure(box_figure, "The spread over patients."),
    "froc": EvaluationFigure(froc_figure, "Lesions found over false components per scan."),
    "dice_threshold": EvaluationFigure(
        dice_threshold_figure, "Mean Dice over the threshold; its top is the oracle's."
    ),
    "volume_agreement": EvaluationFigure(
        volume_figure,
        "Segmented minus reference volume of each scan, with bias and limits of agreement.",
    ),
}
"""From the name of a file to the figure."""


def write_figures(
    results: Results, folder: Path, *, operating_point: str, region: str = WHOLE
) -> dict[str, Path]:
    """Write every figure as PNG; return where each is."""
    paths = {}
    for name, listed in FIGURES.items():
        paths[name] = folder / f"{name}.png"
        drawn = listed.draw(results, operating_point=operating_point, region=region)
        save_figure(drawn, paths[name])
    return paths
