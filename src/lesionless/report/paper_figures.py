"""The paper's figures that show slices: Fig. 1 (the idea), 4 (the panel), 5 (the samples)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from lesionless.errors import UsageError
from lesionless.report.slice_axes import (
    AxialMask,
    AxialSlice,
    fill,
    mark_sides,
    outline,
    show_grey,
    show_heat,
    white_level,
)
from lesionless.report.style import REFERENCE, SEGMENTATION, WIDTH_INCH, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCORE_LABEL = "score in spreads of the normals"


@dataclass(frozen=True, eq=False)
class Panel:
    """Hold one subject's slice as every method sees it, for the paper's Fig. 4.

    Attributes:
        title: Names the subject.
        image: (row, column) prepared slice, in [0, 1].
        lesion: (row, column) reference lesions.
        scores: From the name of a method to its filtered residual, or score, on this slice.
        segmentations: From the name of a method to its mask on this slice; the same names.
    """

    title: str
    image: AxialSlice
    lesion: AxialMask
    scores: Mapping[str, AxialSlice]
    segmentations: Mapping[str, AxialMask]


@styled
def idea_figure(
    image: AxialSlice,
    reconstruction: AxialSlice,
    residual: AxialSlice,
    lesion: AxialMask | None = None,
) -> "Figure":
    """Draw input, reconstruction and residual side by side.

    Args:
        image: (row, column) prepared slice, in [0, 1].
        reconstruction: (row, column) the same slice without lesions.
        residual: (row, column) the absolute difference of both.
        lesion: (row, column) reference lesions, outlined in the input; None for none.

    Source: Baur et al. 2018, Fig. 1.
    """
    images = (image, reconstruction, residual)
    figure = new_figure(WIDTH_INCH / 3 * _height_share(images) + 0.35)
    left, middle, right = figure.subplots(1, 3)
    rows, columns = _window([image])
    white = white_level([image])
    show_grey(left, image[rows, columns], white=white)
    if lesion is not None:
        outline(left, lesion[rows, columns], REFERENCE)
    show_grey(middle, reconstruction[rows, columns], white=white)
    drawn = show_heat(right, residual[rows, columns], top=_top([residual]))
    mark_sides(left)
    left.set_title("input" if lesion is None else "input, reference lesions outlined")
    middle.set_title("reconstruction without lesions")
    right.set_title("residual")
    figure.colorbar(drawn, ax=right, label="|image - reconstruction|", shrink=0.85, extend="max")
    return figure


@styled
def panel_figure(panels: Sequence[Panel]) -> "Figure":
    """Draw each subject as a pair of rows: the slice and its reference, then every method.

    Per method the filtered residual stands on top and the mask over the slice below, with the
    reference lesions as an outline. All residuals share one colour scale.

    Args:
        panels: One per subject, all with the same methods.

    Raises:
        UsageError: There is no panel, or the panels hold different methods.

    Source: Baur et al. 2018, Fig. 4.
    """
    methods = _methods(panels)
    windows = [_window([panel.image]) for panel in panels]
    share = max(_height_share([p.image[w] for p, w in zip(panels, windows, strict=True)]), 0.5)
    side = min((WIDTH_INCH - 1.0) / (len(methods) + 1), 1.7)
    figure = new_figure(2 * len(panels) * side * share + 0.55)
    axes = figure.subplots(2 * len(panels), len(methods) + 1, squeeze=False)
    top = _top([panel.scores[method] for panel in panels for method in methods])
    for number, (panel, window) in enumerate(zip(panels, windows, strict=True)):
        drawn = _draw_panel(axes[2 * number : 2 * number + 2], panel, window, methods, top)
    for column, title in enumerate(["image,\nreference", *methods]):
        axes[0, column].set_title(title.replace("-", "-\n"), fontsize=None if side > 1 else 6)
    _legend(figure)
    figure.colorbar(drawn, ax=axes, label=SCORE_LABEL, extend="max", shrink=0.6, aspect=35)
    return figure


@styled
def samples_figure(samples: Mapping[int, Float[np.ndarray, "sample row column"]]) -> "Figure":
    """Draw slices that a generator made after some epochs, one row per epoch.

    Args:
        samples: From the epoch to (sample, row, column) slices in [0, 1]; the same codes in
            every epoch, so that a column shows one code through training.

    Raises:
        UsageError: There are no samples.

    Source: Baur et al. 2018, Fig. 5, which shows AnoGAN's samples.
    """
    if not samples:
        raise UsageError("Expected samples of at least one epoch, found none.")
    n_columns = min(8, *(len(slices) for slices in samples.values()))
    side = min((WIDTH_INCH - 0.6) / n_columns, 1.3)
    figure = new_figure(side * len(samples) + 0.2)
    axes = figure.subplots(len(samples), n_columns, squeeze=False)
    for row, (epoch, slices) in zip(axes, sorted(samples.items()), strict=True):
        for cell, image in zip(row, slices[:n_columns], strict=True):
            show_grey(cell, image, white=1.0)
        row[0].set_ylabel(f"epoch {epoch}")
    return figure


def _draw_panel(
    axes: Any, panel: Panel, window: tuple[slice, slice], methods: Sequence[str], top: float
) -> Any:
    """Fill a pair of rows and return the last heat map."""
    image, lesion = panel.image[window], panel.lesion[window]
    white = white_level([image])
    show_grey(axes[0, 0], image, white=white)
    show_grey(axes[1, 0], image, white=white)
    fill(axes[1, 0], lesion, REFERENCE)
    mark_sides(axes[0, 0])
    axes[0, 0].set_ylabel(panel.title, y=-0.1)  # between its two rows
    for column, method in enumerate(methods, start=1):
        drawn = show_heat(axes[0, column], panel.scores[method][window], top=top)
        show_grey(axes[1, column], image, white=white)
        fill(axes[1, column], panel.segmentations[method][window], SEGMENTATION)
        outline(axes[1, column], lesion, REFERENCE, width=0.6)
    return drawn


def _methods(panels: Sequence[Panel]) -> list[str]:
    found = [list(panel.scores) for panel in panels]
    if not found or not found[0] or any(set(names) != set(found[0]) for names in found):
        raise UsageError(
            f"Expected panels that all hold the same methods, found {found}. "
            "Segment every subject with every method."
        )
    return found[0]


def _legend(figure: "Figure") -> None:
    from matplotlib.patches import Patch

    marks = [
        Patch(color=SEGMENTATION, label="segmentation"),
        Patch(facecolor="none", edgecolor=REFERENCE, label="reference lesions"),
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=2)


def _top(scores: Sequence[AxialSlice]) -> float:
    """Return where the colour scale ends: the 99.5th percentile of what is above zero."""
    above = np.concatenate([score[score > 0].ravel() for score in scores])
    return float(np.percentile(above, 99.5)) if above.size else 1.0


def _window(images: Sequence[AxialSlice], *, margin: int = 3) -> tuple[slice, slice]:
    """Return the rows and columns that hold something, with a margin."""
    inside = np.any([image > 0 for image in images], axis=0)
    return _span(inside.any(axis=1), margin), _span(inside.any(axis=0), margin)


def _span(is_used: np.ndarray, margin: int) -> slice:
    used = np.flatnonzero(is_used)
    if not used.size:
        return slice(0, is_used.size)
    return slice(max(0, int(used[0]) - margin), int(used[-1]) + 1 + margin)


def _height_share(images: Sequence[AxialSlice]) -> float:
    return max(image.shape[0] / image.shape[1] for image in images)
