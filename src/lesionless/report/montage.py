"""Pictures of one segmented scan: the most telling slices in detail, and an overview."""

from typing import TYPE_CHECKING

import numpy as np

from lesionless.report.axial import AxialScan, most_telling, spread_out
from lesionless.report.slice_axes import mark_sides, outline, show_grey, show_heat, white_level
from lesionless.report.style import SEGMENTATION, WIDTH_INCH, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("scan", "reconstruction", "anomaly score", "segmentation")
UNIT = "score in spreads of the normals"


def score_range(scan: AxialScan, threshold: float) -> float:
    """Return where the colours of the scores end: twice the threshold, the same for all scans.

    Where the threshold is not above zero, it is the highest score instead.
    """
    return 2 * threshold if threshold > 0 else max(float(scan.anomaly.max()), 1.0)


def brain_white(scan: AxialScan) -> float:
    """Return the intensity to draw white: the brain's, since a raw scan's scalp is brighter."""
    return white_level(np.where(scan.brain, scan.image, 0))


@styled
def detail_figure(scan: AxialScan, *, threshold: float, n_slices: int = 5) -> "Figure":
    """Draw scan, reconstruction, heat map and mask of the most telling slices.

    Args:
        scan: A segmented scan.
        threshold: Score above which a voxel is segmented; marked at the colour bar.
        n_slices: At most so many slices.
    """
    shown = scan.take(most_telling(scan, n_slices))
    if not len(shown.image):  # not one voxel scores above zero
        shown = scan.take(spread_out(len(scan.image), n_slices))
    side = (WIDTH_INCH - 1.4) / len(COLUMNS)  # the labels and the colour bar take the rest
    figure = new_figure(side * _height_share(scan) * len(shown.image) + 0.4)
    axes = figure.subplots(len(shown.image), len(COLUMNS), squeeze=False)
    white, top = brain_white(scan), score_range(scan, threshold)
    for row, index in zip(axes, range(len(shown.image))[::-1], strict=True):
        image, mask = shown.image[index], shown.segmentation[index]
        show_grey(row[0], image, white=white, aspect=scan.aspect)
        show_grey(row[1], shown.reconstruction[index], white=white, aspect=scan.aspect)
        drawn = show_heat(row[2], shown.anomaly[index], top=top, aspect=scan.aspect)
        show_grey(row[3], image, white=white, aspect=scan.aspect)
        outline(row[3], mask, SEGMENTATION)
        mark_sides(row[0])
        row[0].set_ylabel(f"slice {shown.number[index]}")
    for cell, title in zip(axes[0], COLUMNS, strict=True):
        cell.set_title(title)
    bar = figure.colorbar(drawn, ax=axes, label=UNIT, extend="max", shrink=0.7, aspect=30)
    if threshold > 0:
        bar.ax.axhline(threshold, color="white", linewidth=1.5)
        bar.ax.set_yticks([0, threshold / 2, threshold, 3 * threshold / 2, 2 * threshold])
        bar.ax.set_yticklabels(_tick_labels(threshold))
    return figure


@styled
def overview_figure(scan: AxialScan, *, n_slices: int = 20, n_columns: int = 5) -> "Figure":
    """Draw slices from the lowest to the highest with the outline of the mask.

    Args:
        scan: A segmented scan.
        n_slices: At most so many.
        n_columns: Slices in a line.
    """
    shown = scan.take(spread_out(len(scan.image), n_slices))
    n_rows = -(-len(shown.image) // n_columns)
    side = WIDTH_INCH / n_columns
    figure = new_figure((side * _height_share(scan) + 0.18) * n_rows)
    axes = np.ravel(figure.subplots(n_rows, n_columns, squeeze=False))
    white = brain_white(scan)
    for cell in axes[len(shown.image) :]:
        cell.set_axis_off()
    for cell, image, mask, number in zip(
        axes, shown.image, shown.segmentation, shown.number, strict=False
    ):
        show_grey(cell, image, white=white, aspect=scan.aspect)
        outline(cell, mask, SEGMENTATION, width=0.7)
        mark_sides(cell)
        cell.set_title(f"slice {number}", fontsize=7, pad=2)
    return figure


def _tick_labels(threshold: float) -> list[str]:
    values = [f"{share * threshold:.3g}" for share in (0, 0.5, 1, 1.5, 2)]
    values[2] += "\nthreshold"
    return values


def _height_share(scan: AxialScan) -> float:
    rows, columns = scan.image.shape[1:]
    return float(rows * scan.aspect / columns)
