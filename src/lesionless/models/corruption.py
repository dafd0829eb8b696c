"""Synthetic lesions in slices that have none: what a restoration model learns to take away."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import ndimage

from lesionless.arrays import Plane

TISSUE = (0.25, 0.55)  # of prepared intensity: neither fluid nor already bright
FLUID = 0.2
SHORE = 0.1  # from fluid up to this much brighter, pixels are part fluid, which lesions leave alone
NOISE_PIXELS = 1.0  # detail finer than this, and weaker than the next, is noise
NOISE = 0.05
MOST_STRETCH = 0.8  # log of the long half axis over the radius; the axes differ by twice that
FARTHEST = 2.4  # radii from the centre to which bumps reach
BASE_MM = 6.0  # a lesion is brighter than the mean tissue within this distance


@dataclass(frozen=True)
class Lesions:
    """Say what synthetic lesions look like; no label of a lesion takes part in drawing them.

    Attributes:
        none_share: Share of slices that stay as they are.
        most: Lesions per slice, at most; four slices in five have fewer than nine.
        radius_mm: Smallest and largest radius.
        decline: Above 1: lesions of radius r are as frequent as r to the power of minus this, so
            that there are many small ones, few large ones, and some of every size.
        contrast: Smallest and largest excess over the tissue around, as a share of it.
        visible: Excess in prepared intensity from which a pixel counts as lesion.
    """

    none_share: float = 0.15
    most: int = 24
    radius_mm: tuple[float, float] = (1.0, 22.0)
    decline: float = 2.5
    contrast: tuple[float, float] = (0.12, 1.3)
    visible: float = 0.04


@dataclass(frozen=True, eq=False)
class Blob:
    """Hold one lesion's shape in a window of the slice.

    Attributes:
        window: Rows and columns.
        membership: (row, column) share of lesion in each pixel, in [0, 1].
    """

    window: tuple[slice, slice]
    membership: Plane


Shape: TypeAlias = Callable[[np.random.Generator, tuple[int, int], float, tuple[int, ...]], Blob]
"""Draw a lesion by its centre, its radius in pixels and the slice's size."""


def bumpy_ellipse(
    generator: np.random.Generator,
    centre: tuple[int, int],
    radius: float,
    shape: tuple[int, ...],
) -> Blob:
    """Draw an ellipse, round to long, with a bumpy and rather sharp edge; `radius` in pixels."""
    turn = generator.uniform(0, np.pi)
    stretch = np.exp(min(abs(generator.normal(0, 0.35)), MOST_STRETCH))
    window = window_around(centre, int(FARTHEST * stretch * radius) + 4, shape)
    row, column = np.mgrid[window]
    row, column = row - centre[0], column - centre[1]
    along = (row * np.cos(turn) + column * np.sin(turn)) / stretch
    across = (column * np.cos(turn) - row * np.sin(turn)) * stretch
    distance = np.hypot(along, across) / radius
    bump = generator.uniform(0.25, 0.5) * radius
    bumps = generator.uniform(0.2, 1.4) * _smooth(generator, distance.shape, bump)
    depth = 1 - distance + bumps * np.exp(-np.maximum(distance - 1, 0))
    steepness = radius * generator.uniform(2.5, 8)
    inside = 1 / (1 + np.exp(-np.clip(depth * steepness, -20, 20))) * (distance < FARTHEST)
    return Blob(window, softened(generator, inside))


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


def implant(
    generator: np.random.Generator,
    x: Plane,
    *,
    pixel_mm: float = 1.0,
    lesions: Lesions = Lesions(),
    shape: Shape = bumpy_ellipse,
) -> tuple[Plane, Plane]:
    """Brighten random smooth blobs of a slice, mostly deep and beside the ventricles.

    Fluid stays dark, and lesions have the noise of their scan.

    Args:
        generator: Source of randomness.
        x: (row, column) prepared slice, 0 outside the brain.
        pixel_mm: Size of a pixel.
        lesions: What they look like.
        shape: What draws each one's shape.

    Returns:
        The slice with lesions, in [0, 1], and its lesions as (row, column) in [0, 1].

    Source: Foreign patches as the anomalies to learn from: Tan et al. 2020, "Detecting outliers
    with foreign patch interpolation"; place and look of the blobs are ours.
    """
    rim_mm = _distance_mm(region(x), pixel_mm)
    fluid_mm = _deep_fluid_mm(x, rim_mm, pixel_mm)
    chances = np.cumsum(_likely_places(x, rim_mm, fluid_mm))
    if chances[-1] <= 0 or generator.random() < lesions.none_share:
        return x, np.zeros_like(x)
    base, quiet = _tissue_around(x, pixel_mm), _quiet(x)
    tissue = np.clip((x - FLUID) / SHORE, 0, 1)
    typical = generator.uniform(0.1, 0.9)
    excess, membership = np.zeros_like(x), np.zeros_like(x)
    for _ in range(_how_many(generator, lesions)):
        chosen = np.searchsorted(chances, generator.random() * chances[-1])
        row, column = divmod(min(int(chosen), x.size - 1), x.shape[1])
        blob = shape(generator, (row, column), _radius_mm(generator, lesions) / pixel_mm, x.shape)
        contrast = np.clip(typical * generator.uniform(0.5, 1.5), *lesions.contrast)
        level = base[blob.window] * (1 + contrast)
        more = _excess(generator, quiet[blob.window], level, blob) * tissue[blob.window]
        excess[blob.window] = np.maximum(excess[blob.window], more)
        membership[blob.window] = np.maximum(membership[blob.window], blob.membership)
    seen = membership * (excess > lesions.visible)
    return np.clip(x + excess, 0, 1).astype(np.float32), seen.astype(np.float32)


def region(x: Plane) -> np.ndarray:
    """Return the pixels of a slice that hold brain: above 0, or in a small gap between such."""
    return np.asarray(ndimage.binary_closing(x > 0, iterations=3) | (x > 0))


def _distance_mm(inside: np.ndarray, pixel_mm: float) -> Plane:
    """Return how far each pixel is from the outside."""
    return np.asarray(ndimage.distance_transform_edt(inside) * pixel_mm, dtype=np.float32)


def _deep_fluid_mm(x: Plane, rim_mm: Plane, pixel_mm: float) -> Plane:
    """Return the distance to fluid that lies deep in the brain; infinite where there is none."""
    fluid = ndimage.binary_opening((x < FLUID) & (rim_mm > 18))
    return _distance_mm(~fluid, pixel_mm) if fluid.any() else np.full_like(x, np.inf)


def _likely_places(x: Plane, rim_mm: Plane, fluid_mm: Plane) -> Plane:
    """Weigh tissue: little near the rim, more in the depth, most beside deep fluid."""
    tissue = (x > TISSUE[0]) & (x < TISSUE[1])
    weight = tissue * (rim_mm > 3) * (0.25 + (rim_mm > 10))
    return np.asarray(weight * (1 + 4 * np.exp(-fluid_mm / 5)), dtype=np.float32)


def _tissue_around(x: Plane, pixel_mm: float) -> Plane:
    tissue = (x > TISSUE[0]).astype(np.float32)
    sigma = BASE_MM / pixel_mm
    share = ndimage.gaussian_filter(tissue, sigma)
    return np.asarray(ndimage.gaussian_filter(x * tissue, sigma) / (share + 1e-3))


def _quiet(x: Plane) -> Plane:
    """Return a slice without its noise, which lesions have like all other tissue; edges stay."""
    return x + np.clip(ndimage.gaussian_filter(x, NOISE_PIXELS) - x, -NOISE, NOISE)


def _how_many(generator: np.random.Generator, lesions: Lesions) -> int:
    few = min(9, lesions.most)
    if generator.random() < 0.8:
        return int(generator.integers(1, few))
    return int(generator.integers(few, lesions.most + 1))


def _radius_mm(generator: np.random.Generator, lesions: Lesions) -> float:
    """Draw a radius by the inverse of its distribution function."""
    power = 1 - lesions.decline
    first, last = (radius**power for radius in lesions.radius_mm)
    return float((first + generator.random() * (last - first)) ** (1 / power))


def _excess(generator: np.random.Generator, quiet: Plane, level: Plane, blob: Blob) -> Plane:
    """Return how much a lesion adds to what is there, noise aside; it never darkens."""
    texture = 1 + generator.uniform(0, 0.08) * _smooth(generator, quiet.shape, 1.2)
    opacity = generator.uniform(0.6, 1.0) * blob.membership
    return np.asarray(np.maximum(opacity * (level * texture - quiet), 0), dtype=np.float32)


def _smooth(generator: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Plane:
    """Draw noise of unit spread that varies over `sigma` pixels."""
    noise = generator.standard_normal(shape).astype(np.float32)
    smooth = ndimage.gaussian_filter(noise, max(1.0, sigma), mode="wrap")
    return np.asarray(smooth / (smooth.std() + 1e-6))
