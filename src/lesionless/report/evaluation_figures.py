"""The list of an evaluation's figures, and how all of them are written."""

from collections.abc import Callable
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

FIGURES: dict[str, Callable[..., "Figure"]] = {
    "precision_recall": precision_recall_figure,
    "froc": froc_figure,
    "dice_threshold": dice_threshold_figure,
    "per_subject": box_figure,
    "score_histogram": score_histogram_figure,
    "volume_agreement": volume_figure,
}
"""From the name of a file to the figure; all take results, operating point and region."""


def write_figures(
    results: Results, folder: Path, *, operating_point: str, region: str = WHOLE
) -> dict[str, Path]:
    """Write every figure as PNG; return where each is."""
    paths = {}
    for name, draw in FIGURES.items():
        paths[name] = folder / f"{name}.png"
        save_figure(draw(results, operating_point=operating_point, region=region), paths[name])
    return paths
