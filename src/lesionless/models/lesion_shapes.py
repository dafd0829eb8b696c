"""Shapes of synthetic lesions, drawn without any label: single ones, and ones run together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from lesionless.arrays import Plane

MOST_STRETCH = 0.8  # log of the long half axis over the radius; the axes differ by twice that
FARTHEST = 2.4  # radii from the centre to which bumps reach
TALL = 1.5  # height over width; ours, since a slice cuts most lesions beside their middle


@dataclass(frozen=True, eq=False)
class Blob:
    """Hold one lesion's shape in a window of the slice.

    Attributes:
        window: Rows and columns.
        membership: (row, column) share of lesion in each pixel, in [0, 1].
        height: (row, column) how far the lesion reaches across the slice, in pixels; 0 outside.
    """

    window: tuple[slice, slice]
    membership: Plane
    height: Plane


Shape: TypeAlias = Callable[[np.random.Generator, tuple[int, int], float, tuple[int, ...]], Blob]
"""Draw a lesion by its centre, its radius in pixels and the slice's size."""


def bumpy_ellipse(
    generator: np.random.Generator,
    centre: tuple[int, int],
    radius: float,
    shape: tuple[int, ...],
) -> Blob:
    """Draw an ellipse, round to long, with a bumpy and rather sharp edge.

    Args:
        generator: Source of randomness.
        centre: Row and column.
        radius: In pixels; a circle of it is as large as the ellipse without its bumps.
        shape: Rows and columns of the slice.

    Returns:
        The lesion; its height is the chord of an ellipsoid, `TALL` times as tall as wide.
    """
    turn = generator.uniform(0, np.pi)
    stretch = np.exp(min(abs(generator.normal(0, 0.35)), MOST_STRETCH))
    window = window_around(centre, int(FARTHEST * stretch * radius) + 4, shape)
    row, column = np.mgrid[window]
    row, column = row - centre[0], column - centre[1]
    along = (row * np.cos(turn) + column * np.sin(turn)) / stretch
    across = (column * np.cos(turn) - row * np.sin(turn)) * stretch
    distance = np.hypot(along, across) / radius
    bump = generator.uniform(0.25, 0.5) * radius
    bumps = generator.uniform(0.2, 1.4) * smooth_noise(generator, distance.shape, bump)
    depth = 1 - distance + bumps * np.exp(-np.maximum(distance - 1, 0))
    steepness = radius * generator.uniform(2.5, 8)
    inside = _sigmoid(depth * steepness) * (distance < FARTHEST)
    height = height_at(np.clip(depth, 0, 1) * (distance < FARTHEST), radius)
    return Blob(window, softened(generator, inside), height)


def height_at(depth: Plane, radius: float) -> Plane:
    """Return how tall a lesion is below each pixel: the chord of an ellipsoid.

    Args:
        depth: (row, column) distance from the outline over the radius: 0 there, 1 in the middle.
        radius: In pixels.

    Returns:
        (row, column) in pixels.

    >>> height_at(np.array([[0.0, 1.0]]), 10.0)
    array([[ 0., 30.]])
    """
    return np.asarray(2 * TALL * radius * np.sqrt(depth * (2 - depth)))


def confluent(
    generator: np.random.Generator,
    tissue: Bool[np.ndarray, "row column"],
    rim_mm: Plane,
    fluid_mm: Plane,
    pixel_mm: float,
) -> Plane:
    """Draw lesions that have run together, ragged and mostly along the ventricles.

    They are where smooth noise, raised beside the ventricles, is highest: 0.3 to 15 % of the tissue
    deeper than 4 to 12 mm. All ranges are ours, set by hand and looked at on a few slices.

    Args:
        generator: Source of randomness.
        tissue: (row, column) what the share is taken of. Fluid beside it may be reached too: leave
            it dark.
        rim_mm: (row, column) distance from the brain's rim, in mm.
        fluid_mm: (row, column) distance from fluid deep in the brain, in mm.
        pixel_mm: Size of a pixel, in mm.

    Returns:
        (row, column) share of lesion in each pixel, in [0, 1]; 0 within 3 mm of the rim.
    """
    shape = tissue.shape
    field = smooth_noise(generator, shape, generator.uniform(2, 7) / pixel_mm)
    field = field + 0.3 * smooth_noise(generator, shape, 1.5 / pixel_mm)
    reach_mm = generator.uniform(3, 12)
    field = field + generator.uniform(1, 4) * np.exp(-fluid_mm / reach_mm)
    allowed = tissue & (rim_mm > generator.uniform(4, 12))
    share = np.exp(generator.uniform(np.log(0.003), np.log(0.15)))
    level = np.quantile(field[allowed], 1 - share) if allowed.any() else np.inf
    inside = _sigmoid((field - level) * generator.uniform(3, 12)) * np.clip((rim_mm - 3) / 3, 0, 1)
    return softened(generator, inside)


def window_around(
    centre: tuple[int, int], reach: int, shape: tuple[int, ...]
) -> tuple[slice, slice]:
    """Return the rows and columns at most `reach` pixels from a centre, cut at the slice's edge."""
    rows, columns = (
        slice(max(0, c - reach), min(n, c + reach + 1)) for c, n in zip(centre, shape, strict=True)
    )
    return rows, columns


def softened(generator: np.random.Generator, inside: Plane) -> Plane:
    """Blur the share of lesion in each pixel by 0.3 to 0.9 pixels."""
    return ndimage.gaussian_filter(inside, generator.uniform(0.3, 0.9)).astype(np.float32)


def smooth_noise(generator: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Plane:
    """Draw noise of unit spread that varies over `sigma` pixels."""
    noise = generator.standard_normal(shape).astype(np.float32)
    smooth = ndimage.gaussian_filter(noise, max(1.0, sigma), mode="wrap")
    return np.asarray(smooth / (smooth.std() + 1e-6))


def _sigmoid(x: Plane) -> Plane:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -20, 20))))
