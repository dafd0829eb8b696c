"""Synthetic lesions in slices that have none: what a restoration model learns to take away."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from lesionless.arrays import Plane
from lesionless.models.lesion_shapes import (
    Blob,
    Shape,
    bumpy_ellipse,
    confluent,
    smooth_noise,
    softened,
)

TISSUE = (0.25, 0.55)  # of prepared intensity: neither fluid nor already bright
FLUID = 0.2
SHORE = 0.1  # from fluid up to this much brighter, pixels are part fluid, which lesions leave alone
NOISE_PIXELS = 1.0  # detail finer than this, and weaker than the next, is noise
NOISE = 0.05
BASE_MM = 6.0  # a lesion is brighter than the mean tissue within this distance


@dataclass(frozen=True)
class Lesions:
    """Say what synthetic lesions look like; no label of a lesion takes part in drawing them.

    Attributes:
        none_share: Share of slices that stay as they are.
        most: Single lesions per slice, at most; four slices in five have fewer than nine.
        radius_mm: Smallest and largest radius.
        decline: Above 1: lesions of radius r are as frequent as r to the power of minus this, so
            that there are many small ones, few large ones, and some of every size.
        contrast: Smallest and largest excess over the tissue around, as a share of it.
        visible: Excess in prepared intensity from which a pixel counts as lesion.
        thick_share: Share of the slices with lesions that are thick, so that small lesions fill a
            part of their thickness only.
        thickness_mm: Least and greatest thickness of those.
        confluent_share: Share of the slices with lesions in which some have run together, beside
            the single ones.
    """

    none_share: float = 0.15
    most: int = 24
    radius_mm: tuple[float, float] = (1.0, 22.0)
    decline: float = 2.5
    contrast: tuple[float, float] = (0.12, 1.3)
    visible: float = 0.04
    thick_share: float = 0.5
    thickness_mm: tuple[float, float] = (3.0, 8.0)
    confluent_share: float = 0.35


def implant(
    generator: np.random.Generator,
    x: Plane,
    *,
    pixel_mm: float = 1.0,
    lesions: Lesions = Lesions(),
    shape: Shape = bumpy_ellipse,
) -> tuple[Plane, Plane]:
    """Brighten random smooth blobs of a slice, mostly deep and beside the ventricles.

    Fluid stays dark, and lesions have the noise of their scan. In a thick slice a small lesion is
    faint and fades towards its edge, since it fills a part of the slice's thickness alone.

    Args:
        generator: Source of randomness.
        x: (row, column) prepared slice, 0 outside the brain.
        pixel_mm: Size of a pixel.
        lesions: What they look like.
        shape: What draws the shape of each single one.

    Returns:
        The slice with lesions, in [0, 1], and its lesions as (row, column) in [0, 1].

    Source: Foreign patches as the anomalies to learn from: Tan et al. 2020, "Detecting outliers
    with foreign patch interpolation"; place and look of the blobs are ours.
    """
    base, quiet = tissue_around(x, pixel_mm), _quiet(x)
    tissue = np.clip((x - FLUID) / SHORE, 0, 1)
    typical = generator.uniform(0.1, 0.9)
    excess, lesion = np.zeros_like(x), np.zeros_like(x)
    for window, membership, share in _draw(generator, x, pixel_mm, lesions, shape):
        contrast = np.clip(typical * generator.uniform(0.5, 1.5), *lesions.contrast)
        level = base[window] * (1 + contrast)
        more = _excess(generator, quiet[window], level, share) * tissue[window]
        seen = membership * (more > lesions.visible)
        excess[window] = np.maximum(excess[window], more)
        lesion[window] = np.maximum(lesion[window], seen)
    return np.clip(x + excess, 0, 1).astype(np.float32), lesion.astype(np.float32)


def _draw(
    generator: np.random.Generator, x: Plane, pixel_mm: float, lesions: Lesions, shape: Shape
) -> Iterator[tuple[tuple[slice, slice], Plane, Plane]]:
    """Yield the window, the membership, and the share of the slice's thickness of each lesion.

    Draws between two lesions are the caller's to make: one seed gives one slice only together.
    """
    rim_mm = _distance_mm(region(x), pixel_mm)
    fluid_mm = _deep_fluid_mm(x, rim_mm, pixel_mm)
    chances = np.cumsum(_likely_places(x, rim_mm, fluid_mm))
    if chances[-1] <= 0 or generator.random() < lesions.none_share:
        return
    thickness = _thickness_mm(generator, lesions) / pixel_mm
    for _ in range(_how_many(generator, lesions)):
        chosen = np.searchsorted(chances, generator.random() * chances[-1])
        row, column = divmod(min(int(chosen), x.size - 1), x.shape[1])
        radius = _radius_mm(generator, lesions) / pixel_mm
        blob = shape(generator, (row, column), radius, x.shape)
        yield blob.window, blob.membership, _share_of_slice(generator, blob, thickness)
    if generator.random() < lesions.confluent_share:
        membership = confluent(generator, _is_tissue(x), rim_mm, fluid_mm, pixel_mm)
        yield np.s_[:, :], membership, membership


def region(x: Plane) -> np.ndarray:
    """Return the pixels of a slice that hold brain: above 0, or in a small gap between such."""
    return np.asarray(ndimage.binary_closing(x > 0, iterations=3) | (x > 0))


def tissue_around(x: Plane, pixel_mm: float) -> Plane:
    """Return the mean of the tissue within about `BASE_MM` of each pixel of a slice."""
    tissue = (x > TISSUE[0]).astype(np.float32)
    sigma = BASE_MM / pixel_mm
    share = ndimage.gaussian_filter(tissue, sigma)
    return np.asarray(ndimage.gaussian_filter(x * tissue, sigma) / (share + 1e-3))


def _distance_mm(inside: np.ndarray, pixel_mm: float) -> Plane:
    """Return how far each pixel is from the outside."""
    return np.asarray(ndimage.distance_transform_edt(inside) * pixel_mm, dtype=np.float32)


def _deep_fluid_mm(x: Plane, rim_mm: Plane, pixel_mm: float) -> Plane:
    """Return the distance to fluid that lies deep in the brain; infinite where there is none."""
    fluid = ndimage.binary_opening((x < FLUID) & (rim_mm > 18))
    return _distance_mm(~fluid, pixel_mm) if fluid.any() else np.full_like(x, np.inf)


def _likely_places(x: Plane, rim_mm: Plane, fluid_mm: Plane) -> Plane:
    """Weigh tissue: little near the rim, more in the depth, most beside deep fluid."""
    weight = _is_tissue(x) * (rim_mm > 3) * (0.25 + (rim_mm > 10))
    return np.asarray(weight * (1 + 4 * np.exp(-fluid_mm / 5)), dtype=np.float32)


def _is_tissue(x: Plane) -> np.ndarray:
    return np.asarray((x > TISSUE[0]) & (x < TISSUE[1]))


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


def _thickness_mm(generator: np.random.Generator, lesions: Lesions) -> float:
    """Draw how thick a slice is; 0 means thin beside any lesion."""
    is_thick = generator.random() < lesions.thick_share
    return float(generator.uniform(*lesions.thickness_mm)) if is_thick else 0.0


def _share_of_slice(generator: np.random.Generator, blob: Blob, thickness: float) -> Plane:
    """Return the share of the slice's thickness, in pixels, that a lesion in its middle fills."""
    if thickness == 0:
        return blob.membership
    return softened(generator, np.minimum(1, blob.height / thickness))


def _excess(generator: np.random.Generator, quiet: Plane, level: Plane, share: Plane) -> Plane:
    """Return how much a lesion adds to what is there, noise aside; it never darkens."""
    texture = 1 + generator.uniform(0, 0.08) * smooth_noise(generator, quiet.shape, 1.2)
    opacity = generator.uniform(0.6, 1.0) * share
    return np.asarray(np.maximum(opacity * (level * texture - quiet), 0), dtype=np.float32)
