"""Random changes of pose and scanner, so that a network leans on neither."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from lesionless.arrays import Plane
from lesionless.preprocess.intensity import TISSUE_LEVEL

FLUID_LEVEL = 0.15  # contrast between tissues is stretched above it, fluid stays
TISSUE_FROM = 0.25  # fully from here on, and as far above the tissue's level as this is below it
BIAS_WAVES = 3  # half waves of the bias along rows and columns, at most


@dataclass(frozen=True)
class Variation:
    """Say how far slices are varied; every value is drawn evenly up to it, for each slice anew.

    Attributes:
        turn_degrees: Rotation either way.
        zoom: Change of size either way.
        shift_pixels: Shift either way along rows and columns.
        gamma: Logarithm of the exponent, about the tissue's level, either way.
        contrast: Logarithm of the stretch of tissue contrast, either way.
        gain: Change of brightness either way.
        bias: Spread of a smooth field that is multiplied on.
        blur_pixels: Standard deviation of a Gaussian.
        noise: Standard deviation of added noise.
    """

    turn_degrees: float = 8.0
    zoom: float = 0.08
    shift_pixels: float = 5.0
    gamma: float = 0.3
    contrast: float = 0.55
    gain: float = 0.09
    bias: float = 0.1
    blur_pixels: float = 1.1
    noise: float = 0.035

    def scaled(self, share: float) -> "Variation":
        """Return the variation with every value times `share`."""
        return Variation(**{name: share * most for name, most in asdict(self).items()})


def moved(
    generator: np.random.Generator,
    planes: Sequence[Plane],
    variation: Variation = Variation(),
) -> list[Plane]:
    """Turn, zoom, shift and perhaps mirror planes of one slice, all alike.

    Args:
        generator: Source of randomness.
        planes: (row, column); the first is a prepared slice, whose brain cuts the others.
        variation: How far.
    """
    angle = np.radians(_either_way(generator, variation.turn_degrees))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn * (1 + _either_way(generator, variation.zoom))
    middle = (np.array(planes[0].shape) - 1) / 2
    shift = generator.uniform(-1, 1, 2) * variation.shift_pixels
    offset = middle - matrix @ middle + shift
    columns = slice(None, None, -1 if generator.random() < 0.5 else 1)

    def at_pose(plane: Plane) -> Plane:
        return np.asarray(ndimage.affine_transform(plane, matrix, offset, order=1))

    inside = at_pose((planes[0] > 0).astype(np.float32)) > 0.5
    return [np.ascontiguousarray((at_pose(plane) * inside)[:, columns]) for plane in planes]


def rescanned(
    generator: np.random.Generator,
    planes: Sequence[Plane],
    variation: Variation = Variation(),
) -> list[Plane]:
    """Return slices of one brain as another scanner might show them, all changed alike.

    Args:
        generator: Source of randomness.
        planes: (row, column) prepared slices that differ in their lesions alone.
        variation: How far.

    Returns:
        The slices in [0, 1], 0 where they were 0.
    """
    shape = planes[0].shape
    gamma = float(np.exp(_either_way(generator, variation.gamma)))
    stretch = np.exp(_either_way(generator, variation.contrast)) if generator.random() < 0.6 else 1
    gain = (1 + _either_way(generator, variation.gain)) * _bias(generator, shape, variation.bias)
    blur = generator.uniform(0, variation.blur_pixels) if generator.random() < 0.4 else 0
    noise = _noise(generator, shape, variation.noise)
    changed = []
    for plane in planes:
        bright = TISSUE_LEVEL * (plane / TISSUE_LEVEL) ** gamma * gain
        sharp = stretched(bright, float(stretch))
        image = ndimage.gaussian_filter(sharp, blur) if blur else sharp
        changed.append((np.clip(image + noise, 0, 1) * (plane > 0)).astype(np.float32))
    return changed


def stretched(x: Any, stretch: float) -> Any:
    """Stretch the contrast between tissues about their level; fluid keeps its place.

    Beyond the range of tissue every value is moved by what its edge is moved.

    Args:
        x: Prepared slices, an array or a tensor; the same kind and shape is returned.
        stretch: 1 changes nothing, more makes white and grey matter differ more.
    """
    is_tissue = ((x - FLUID_LEVEL) / (TISSUE_FROM - FLUID_LEVEL)).clip(0, 1)
    reach = TISSUE_LEVEL - TISSUE_FROM
    return x + is_tissue * (stretch - 1) * (x - TISSUE_LEVEL).clip(-reach, reach)


def _either_way(generator: np.random.Generator, most: float) -> float:
    return float(generator.uniform(-most, most))


def _bias(generator: np.random.Generator, shape: tuple[int, int], most: float) -> Plane:
    """Draw a smooth field about 1: a sum of a few half waves along rows and columns."""
    rows, columns = (_waves(n) for n in shape)
    heights = generator.standard_normal((BIAS_WAVES + 1, BIAS_WAVES + 1)).astype(np.float32)
    heights[0, 0] = 0
    field = rows.T @ heights @ columns
    return 1 + np.float32(generator.uniform(0, most)) * field / (field.std() + 1e-9)


def _waves(n: int) -> Plane:
    """Return (half waves, place): cosines of 0 to `BIAS_WAVES` half waves over n places."""
    place = (np.arange(n, dtype=np.float32) + 0.5) / n
    return np.cos(np.pi * np.arange(BIAS_WAVES + 1, dtype=np.float32)[:, np.newaxis] * place)


def _noise(generator: np.random.Generator, shape: tuple[int, int], most: float) -> Plane:
    """Draw noise that is white or, as often, a little smooth."""
    white = generator.standard_normal(shape, dtype=np.float32)
    noise = np.float32(generator.uniform(0, most)) * white
    if generator.random() < 0.5:
        return np.asarray(ndimage.gaussian_filter(noise, 0.6) * 1.8)
    return noise
