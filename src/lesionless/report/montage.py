"""Pictures of one segmented scan: the most telling slices in detail, and an overview."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lesionless.report.axial import AxialScan, most_telling, spread_out
from lesionless.report.slice_axes import outline, show_grey, show_heat, white_level
from lesionless.report.style import SEGMENTATION, WIDTH_INCH, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("scan", "reconstruction", "anomaly score", "segmentation")
UNIT = "score in spreads of the normals"
_ON_BLACK = {"facecolor": "black", "edgecolor": "none", "pad": 0.8}
_WHITE: Any = {"color": "white", "fontsize": 6, "bbox": _ON_BLACK}


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
    axes = figure.subplots(1, len(COLUMNS))
    white, top = brain_white(scan), score_range(scan, threshold)
    image, reconstruction, anomaly, mask = (
        tiled(slices[::-1], n_columns=1)
        for slices in (shown.image, shown.reconstruction, shown.anomaly, shown.segmentation)
    )
    show_grey(axes[0], image, white=white, aspect=scan.aspect)
    show_grey(axes[1], reconstruction, white=white, aspect=scan.aspect)
    drawn = show_heat(axes[2], anomaly, top=top, aspect=scan.aspect)
    show_grey(axes[3], image, white=white, aspect=scan.aspect)
    outline(axes[3], mask, SEGMENTATION)
    height = shown.image.shape[1]
    axes[0].set_yticks(
        [height * (n + 0.5) for n in range(len(shown.image))],
        [f"slice {number}" for number in shown.number[::-1]],
        rotation=90,
        va="center",
    )
    axes[0].tick_params(axis="y", length=0)
    _mark_sides_of_tiles(axes[0], shown.image.shape, n_columns=1)
    for cell, title in zip(axes, COLUMNS, strict=True):
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
    figure = new_figure(side * _height_share(scan) * n_rows)
    axes = figure.subplots()
    image = tiled(shown.image, n_columns=n_columns)
    show_grey(axes, image, white=brain_white(scan), aspect=scan.aspect)
    outline(axes, tiled(shown.segmentation, n_columns=n_columns), SEGMENTATION, width=0.7)
    _mark_sides_of_tiles(axes, shown.image.shape, n_columns=n_columns)
    for number, (row, column) in zip(
        shown.number, _corners(shown.image.shape, n_columns), strict=True
    ):
        axes.text(column + 2, row + 2, f"slice {number}", va="top", **_WHITE)
    return figure


def tiled(slices: np.ndarray, *, n_columns: int) -> np.ndarray:
    """Return slices (slice, row, column) side by side as one, line by line; what is missing is 0.

    One picture of many slices is drawn many times faster than many pictures.
    """
    n_slices, rows, columns = slices.shape
    n_lines = -(-n_slices // n_columns)
    whole = np.zeros((n_lines * n_columns, rows, columns), slices.dtype)
    whole[:n_slices] = slices
    lines = whole.reshape(n_lines, n_columns, rows, columns).swapaxes(1, 2)
    return lines.reshape(n_lines * rows, n_columns * columns)


def _corners(shape: tuple[int, ...], n_columns: int) -> list[tuple[int, int]]:
    """Return the row and column at which each tile begins."""
    n_slices, rows, columns = shape
    return [(n // n_columns * rows, n % n_columns * columns) for n in range(n_slices)]


def _mark_sides_of_tiles(axes: Any, shape: tuple[int, ...], *, n_columns: int) -> None:
    """Write R and L in the lower corners of each tile, on the patient's right and left."""
    for row, column in _corners(shape, n_columns):
        bottom = row + 0.97 * shape[1]
        axes.text(column + 0.02 * shape[2], bottom, "R", va="bottom", **_WHITE)
        axes.text(column + 0.98 * shape[2], bottom, "L", va="bottom", ha="right", **_WHITE)


def _tick_labels(threshold: float) -> list[str]:
    values = [f"{share * threshold:.3g}" for share in (0, 0.5, 1, 1.5, 2)]
    values[2] += "\nthreshold"
    return values


def _height_share(scan: AxialScan) -> float:
    rows, columns = scan.image.shape[1:]
    return float(rows * scan.aspect / columns)
