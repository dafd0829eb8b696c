"""Random changes of pose and scanner, and flaws of scans, so that a network leans on none."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy import ndimage

from lesionless.arrays import Plane
from lesionless.preprocess.intensity import TISSUE_LEVEL

FLUID_LEVEL = 0.15  # contrast between tissues is stretched above it, fluid stays
FLAW_SHARE = 0.3  # of slices with either kind of bright flaw
FLAW_PIXELS = 5.0  # how smooth they are
RIM_PIXELS = 2
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
        sharpening: How much of the detail finer than a pixel is added; never beside a blur.
        noise: Standard deviation of added noise.
        flow: Brightness of fluid that moved while the scan was made, in some slices.
        leak: Brightness of skull left at the brain's rim, in some slices.
    """

    turn_degrees: float = 8.0
    zoom: float = 0.08
    shift_pixels: float = 5.0
    gamma: float = 0.3
    contrast: float = 0.55
    gain: float = 0.15
    bias: float = 0.12
    blur_pixels: float = 1.1
    sharpening: float = 1.5
    noise: float = 0.035
    flow: float = 0.5
    leak: float = 0.6

    def scaled(self, share: float) -> "Variation":
        """Return the variation with every value times `share`."""
        return Variation(**{name: share * most for name, most in asdict(self).items()})


def moved(generator: np.random.Generator, x: Plane, variation: Variation = Variation()) -> Plane:
    """Turn, zoom, shift and perhaps mirror a slice."""
    angle = np.radians(_either_way(generator, variation.turn_degrees))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn * (1 + _either_way(generator, variation.zoom))
    middle = (np.array(x.shape) - 1) / 2
    shift = generator.uniform(-1, 1, 2) * variation.shift_pixels
    offset = middle - matrix @ middle + shift
    inside = ndimage.affine_transform((x > 0).astype(np.float32), matrix, offset, order=1) > 0.5
    image = ndimage.affine_transform(x, matrix, offset, order=1) * inside
    return np.ascontiguousarray(image[:, ::-1] if generator.random() < 0.5 else image)


def flawed(generator: np.random.Generator, x: Plane, variation: Variation = Variation()) -> Plane:
    """Return a slice with bright patches that are no lesions: in its fluid, and at its rim."""
    brain = x > 0
    rim = brain & ~ndimage.binary_erosion(brain, iterations=RIM_PIXELS)
    fluid = np.clip((FLUID_LEVEL + 0.1 - x) / 0.1, 0, 1) * brain
    for place, most in ((fluid, variation.flow), (rim, variation.leak)):
        if generator.random() < FLAW_SHARE:
            x = x + place * generator.uniform(0, most) * _patches(generator, x.shape)
    return np.asarray(np.clip(x, 0, 1), dtype=np.float32)


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
    blur, sharpening = _focus(generator, variation)
    noise = _noise(generator, shape, variation.noise)
    changed = []
    for plane in planes:
        bright = TISSUE_LEVEL * (plane / TISSUE_LEVEL) ** gamma * gain
        image = _focused(_stretched(bright, float(stretch)), blur, sharpening)
        changed.append((np.clip(image + noise, 0, 1) * (plane > 0)).astype(np.float32))
    return changed


def _either_way(generator: np.random.Generator, most: float) -> float:
    return float(generator.uniform(-most, most))


def _stretched(x: Plane, stretch: float) -> Plane:
    """Stretch the contrast between tissues about their level; fluid and lesions keep their place.

    Beyond the range of tissue every value is moved by what its edge is moved.
    """
    is_tissue = np.clip((x - FLUID_LEVEL) / 0.1, 0, 1)
    reach = TISSUE_LEVEL - 0.25
    return np.asarray(x + is_tissue * (stretch - 1) * np.clip(x - TISSUE_LEVEL, -reach, reach))


def _focus(generator: np.random.Generator, variation: Variation) -> tuple[float, float]:
    """Draw a blur in pixels and a sharpening, one of which is 0; often both are."""
    chance = generator.random()
    amount = float(generator.random())
    blur = amount * variation.blur_pixels if chance < 0.4 else 0.0
    return blur, amount * variation.sharpening if chance > 0.7 else 0.0


def _focused(x: Plane, blur: float, sharpening: float) -> Plane:
    """Blur, or sharpen where there is brain: its edge to the empty outside is no detail."""
    if blur:
        return np.asarray(ndimage.gaussian_filter(x, blur))
    if sharpening:
        share = ndimage.gaussian_filter((x > 0).astype(np.float32), 1.0)
        return x + sharpening * (x - ndimage.gaussian_filter(x, 1.0) / np.maximum(share, 0.1))
    return x


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


def _patches(generator: np.random.Generator, shape: tuple[int, int]) -> Plane:
    """Draw smooth patches that rise to 1 or a little more, 0 between them."""
    white = generator.standard_normal(shape, dtype=np.float32)
    smooth = ndimage.gaussian_filter(white, FLAW_PIXELS)
    return np.asarray(np.maximum(smooth / (2 * smooth.std() + 1e-9), 0))
