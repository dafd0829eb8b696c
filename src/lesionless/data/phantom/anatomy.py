"""The average anatomy that every phantom is drawn from: MNI152 tissue maps and what follows."""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from jaxtyping import Float, Int

from lesionless.arrays import Mask, Volume
from lesionless.data.mni152 import BRAIN, mni152_map
from lesionless.errors import UsageError

SPACINGS_MM = (1, 2, 4)
"""The resolutions of the anatomy on offer; 4 mm is for tests."""

# this far to either side of the middle of a sulcus lies cortex, and of the white matter in a gyrus
_SULCUS_REACH_MM = 3.0
_BLADE_REACH_MM = 4.0


@dataclass(frozen=True, eq=False)
class Lattice:
    """Place the voxels of a volume in MNI space, axes along right, anterior, superior.

    Attributes:
        origin_mm: Centre of voxel (0, 0, 0).
        spacing_mm: Distance of voxel centres, the same along all axes.
        shape: Number of voxels along each axis.
    """

    origin_mm: tuple[float, float, float]
    spacing_mm: float
    shape: tuple[int, int, int]

    def index(self, mm: Float[np.ndarray, "3 *n"]) -> Float[np.ndarray, "3 *n"]:
        """Return the fractional voxel index of positions in mm."""
        origin = np.asarray(self.origin_mm, np.float32).reshape(3, *[1] * (mm.ndim - 1))
        return np.asarray((mm - origin) / np.float32(self.spacing_mm))

    def axes(self) -> tuple[Float[np.ndarray, " n"], ...]:
        """Return the coordinates in mm of the voxel centres along each axis."""
        return tuple(
            start + self.spacing_mm * np.arange(n)
            for start, n in zip(self.origin_mm, self.shape, strict=True)
        )


@dataclass(frozen=True, eq=False)
class Tissue:
    """Hold the tissue maps of the average brain.

    Attributes:
        lattice: Where the voxels lie.
        grey: Fraction of grey matter, 0 to 1.
        white: Fraction of white matter, 0 to 1, sharpened in the gyri.
        t1: Skull-stripped T1-weighted intensity, 0 to 1, which shows nuclei and tracts.
        sulcus: How much darker in T1 a voxel is than both sides, 0 to about 0.4. An average brain
            has blurred sulci; its valleys tell where each of them runs.
        inside: Fraction of the brain, with the CSF inside its outline.
    """

    lattice: Lattice
    grey: Volume
    white: Volume
    t1: Volume
    sulcus: Volume
    inside: Volume

    @property
    def brain(self) -> Mask:
        """Return the voxels that are at least half brain."""
        return np.asarray(self.inside >= 0.5)


@cache
def load_tissue(spacing_mm: int = 1) -> Tissue:
    """Read the MNI152 maps and find the sulci in them.

    Args:
        spacing_mm: 1, 2 or 4; coarser maps are block means of the 1 mm maps.

    Raises:
        UsageError: `spacing_mm` is none of these.

    Source: Fonov et al. 2011, NeuroImage 54(1), 313-327.
    """
    if spacing_mm not in SPACINGS_MM:
        raise UsageError(
            f"Expected an anatomy of {SPACINGS_MM} mm, found {spacing_mm!r}. Choose one of these."
        )
    (t1, affine), (grey, _), (white, _) = map(mni152_map, ("t1", "gm", "wm"))
    images = {"grey": grey, "white": white, "t1": t1, "inside": (t1 > BRAIN).astype(np.float32)}
    origin = affine[:3, 3] + (spacing_mm - 1) / 2
    maps = {name: block_mean(image, spacing_mm) for name, image in images.items()}
    lattice = Lattice(tuple(origin.tolist()), float(spacing_mm), maps["t1"].shape)
    sulcus = valleys(maps["t1"], max(1, round(_SULCUS_REACH_MM / spacing_mm)))
    blade = _blade(maps["t1"], maps["grey"], max(1, round(_BLADE_REACH_MM / spacing_mm)))
    maps["grey"], maps["white"] = maps["grey"] - blade, maps["white"] + blade
    return Tissue(lattice=lattice, sulcus=sulcus, **maps)


def valleys(volume: Volume, reach: int) -> Volume:
    """Return how far each voxel lies below both its neighbours, for the deepest direction.

    A slope has a lower and a higher side and gives 0; the middle of a dark sheet does not.

    Args:
        volume: (i, j, k) image.
        reach: Distance of the neighbours in voxels.

    >>> valleys(np.array([5.0, 2, 4, 4, 4]).reshape(5, 1, 1), 1).ravel()
    array([0., 2., 0., 0., 0.])
    """
    padded = np.pad(volume, reach, mode="edge")
    depth = np.zeros_like(volume)
    for direction in product((-1, 0, 1), repeat=3):
        if direction > (0, 0, 0):  # the opposite direction gives the same
            step = np.rint(np.array(direction) * reach / np.linalg.norm(direction)).astype(int)
            sides = [_shifted(padded, reach + sign * step, volume.shape) for sign in (1, -1)]
            np.maximum(depth, np.minimum(*sides) - volume, out=depth)
    return depth


def _blade(t1: Volume, grey: Volume, reach: int) -> Volume:
    """Return the grey matter of the average maps that is the core of white matter in a gyrus.

    It shows as a bright ridge in T1, brighter than cortex.
    """
    is_bright = np.clip((t1 - 0.66) / 0.1, 0, 1)
    return np.asarray(np.minimum(2 * is_bright * valleys(-t1, reach), grey))


def _shifted(padded: Volume, start: Int[np.ndarray, "3"], shape: tuple[int, int, int]) -> Volume:
    return padded[tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))]


def block_mean(volume: Volume, factor: int) -> Volume:
    """Average blocks of `factor` voxels a side; voxels left over at the end are dropped.

    >>> block_mean(np.arange(8.0).reshape(2, 2, 2), 2)
    array([[[3.5]]])
    """
    i, j, k = (n // factor for n in volume.shape)
    trimmed = volume[: i * factor, : j * factor, : k * factor]
    blocks = trimmed.reshape(i, factor, j, factor, k, factor)
    return np.ascontiguousarray(blocks.mean(axis=(1, 3, 5)))
