"""One axial slice in a set of axes: grey image, heat map, masks over it, the patient's sides.

Slices lie in radiological display: row 0 anterior (at the top), column 0 the patient's right.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from lesionless.report.style import HEAT

AxialSlice: TypeAlias = Float[np.ndarray, "row column"]
"""One axial slice: row 0 anterior, column 0 the patient's right."""

AxialMask: TypeAlias = Bool[np.ndarray, "row column"]
"""A mask on an `AxialSlice`."""


def show_grey(axes: Any, image: AxialSlice, *, white: float, aspect: float = 1.0) -> None:
    """Draw an image in grey, black at 0.

    Args:
        axes: Matplotlib axes.
        image: (row, column) intensity.
        white: Intensity drawn white.
        aspect: Height of a pixel over its width.
    """
    axes.imshow(image, cmap="gray", vmin=0, vmax=white, aspect=aspect)
    _bare(axes)


def show_heat(axes: Any, score: AxialSlice, *, top: float, aspect: float = 1.0) -> Any:
    """Draw a residual or score as a heat map from 0 to `top`; return it for a colour bar."""
    drawn = axes.imshow(score, cmap=HEAT, vmin=0, vmax=top, aspect=aspect)
    _bare(axes)
    return drawn


def outline(axes: Any, mask: AxialMask, colour: str, *, width: float = 0.9) -> None:
    """Draw the border of a mask along the edges of its pixels."""
    from matplotlib.collections import LineCollection

    lines = LineCollection(_edges(mask), colors=colour, linewidths=width, capstyle="projecting")
    axes.add_collection(lines, autolim=False)


def fill(axes: Any, mask: AxialMask, colour: str, *, opacity: float = 0.7) -> None:
    """Lay a colour over the pixels of a mask."""
    from matplotlib.colors import to_rgba

    overlay = np.zeros((*mask.shape, 4))
    overlay[mask] = to_rgba(colour, opacity)
    axes.imshow(overlay, aspect=axes.get_aspect())


def mark_sides(axes: Any) -> None:
    """Write R and L in the lower corners, on the patient's right and left."""
    for x, letter, side in ((0.02, "R", "left"), (0.98, "L", "right")):
        axes.text(
            x,
            0.03,
            letter,
            transform=axes.transAxes,
            color="white",
            fontsize=6,
            ha=side,
            va="bottom",
        )


def white_level(images: Iterable[AxialSlice]) -> float:
    """Return the intensity to draw white: the 99.8th percentile of what is not background."""
    inside = np.concatenate([image[image > 0].ravel() for image in images])
    return float(np.percentile(inside, 99.8)) if inside.size else 1.0


def _bare(axes: Any) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _edges(mask: AxialMask) -> list[list[tuple[float, float]]]:
    """Return the pixel edges between inside and outside, each from (x, y) to (x, y)."""
    padded = np.pad(mask, 1)
    above = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1]).tolist()
    before = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1]).tolist()
    across = [[(x - 0.5, y - 0.5), (x + 0.5, y - 0.5)] for y, x in above]
    return across + [[(x - 0.5, y - 0.5), (x - 0.5, y + 0.5)] for y, x in before]
