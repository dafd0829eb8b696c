"""Places in the average brain: ventricles, periventricular caps, lesion zones."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, UInt8
from scipy import ndimage

from lesionless.arrays import Mask, Volume
from lesionless.data.phantom.anatomy import Lattice, Tissue, load_tissue

ZONES = ("periventricular", "juxtacortical", "deep", "infratentorial")
"""Where lesions lie; the zone map holds 1 + the position in this list, 0 elsewhere."""

# box around the bodies and horns of the lateral ventricles, MNI mm, read off the template
_VENTRICLE_BOX_MM = ((-38, 38), (-60, 32), (-6, 30))
_HORN_TIPS_MM = ((-18, 33, 2), (18, 33, 2), (-28, -62, 10), (28, -62, 10))


@dataclass(frozen=True, eq=False)
class Regions:
    """Hold the places of the average brain on one lattice.

    Attributes:
        lattice: Where the voxels lie.
        near_brain: The brain and 4 mm around it; never the outermost voxels.
        zone: Lesion zone, see `ZONES`.
        cap: Weight of the normal periventricular caps and bands, 0 to 1.
        outward: (3, i, j, k) direction away from the lateral ventricles, at most about 1 long,
            fading with the distance from them.
    """

    lattice: Lattice
    near_brain: Mask
    zone: UInt8[np.ndarray, "i j k"]
    cap: Volume
    outward: Float[np.ndarray, "3 i j k"]

    @property
    def spacing_mm(self) -> int:
        """Return the resolution that these places were asked for with."""
        return int(self.lattice.spacing_mm)


@cache
def load_regions(spacing_mm: int = 2) -> Regions:
    """Derive the places from the tissue maps; see `load_tissue` for `spacing_mm`."""
    tissue = load_tissue(spacing_mm)
    depth_mm = ndimage.distance_transform_edt(tissue.brain) * spacing_mm
    ventricles = _ventricles(tissue, depth_mm)
    ventricle_mm = ndimage.distance_transform_edt(~ventricles) * spacing_mm
    n_dilations = max(1, round(4 / spacing_mm))
    return Regions(
        lattice=tissue.lattice,
        near_brain=_without_rim(ndimage.binary_dilation(tissue.brain, iterations=n_dilations)),
        zone=_zone(tissue, depth_mm, ventricle_mm),
        cap=_cap(tissue.lattice, ventricle_mm),
        outward=_outward(ventricles, spacing_mm),
    )


def _without_rim(mask: Mask) -> Mask:
    """Clear the outermost voxels, so that what lies beyond the lattice is outside."""
    inner = np.zeros_like(mask)
    inner[1:-1, 1:-1, 1:-1] = mask[1:-1, 1:-1, 1:-1]
    return inner


def _ventricles(tissue: Tissue, depth_mm: Volume) -> Mask:
    x, y, z = np.meshgrid(*tissue.lattice.axes(), indexing="ij", sparse=True)
    (x0, x1), (y0, y1), (z0, z1) = _VENTRICLE_BOX_MM
    box = (x > x0) & (x < x1) & (y > y0) & (y < y1) & (z > z0) & (z < z1)
    fluid = tissue.grey + tissue.white < 0.5
    return np.asarray(box & fluid & (depth_mm > 18))


def _zone(tissue: Tissue, depth_mm: Volume, ventricle_mm: Volume) -> UInt8[np.ndarray, "i j k"]:
    x, y, z = np.meshgrid(*tissue.lattice.axes(), indexing="ij", sparse=True)
    cortex = (tissue.grey > 0.6) & (depth_mm < 30) & (ventricle_mm > 12)
    cortex_mm = ndimage.distance_transform_edt(~cortex) * tissue.lattice.spacing_mm
    white = tissue.white > 0.5
    zone = np.where(white & (tissue.white > 0.8), ZONES.index("deep") + 1, 0)
    zone[white & (cortex_mm <= max(3.0, tissue.lattice.spacing_mm))] = (
        ZONES.index("juxtacortical") + 1
    )
    zone[white & (ventricle_mm < 7) & (np.abs(x) > 5)] = ZONES.index("periventricular") + 1
    below_tentorium = np.broadcast_to((z < -22) & (y < -14) & (y + z < -50), zone.shape)
    zone[below_tentorium] = 0
    infratentorial = below_tentorium & (tissue.white > 0.5)
    zone[infratentorial] = ZONES.index("infratentorial") + 1
    return np.asarray(zone, dtype=np.uint8)


def _cap(lattice: Lattice, ventricle_mm: Volume) -> Volume:
    """Weigh the rim of the ventricles, most at the tips of the horns."""
    x, y, z = np.meshgrid(*lattice.axes(), indexing="ij", sparse=True)
    tips = sum(
        np.exp(-((x - tx) ** 2 + (y - ty) ** 2 + (z - tz) ** 2) / (2 * 9.0**2))
        for tx, ty, tz in _HORN_TIPS_MM
    )
    band = np.exp(-ventricle_mm / 1.5)
    cap = np.exp(-ventricle_mm / 3.5) * tips
    return np.ascontiguousarray(np.clip(0.4 * band + cap, 0, 1), dtype=np.float32)


def _outward(ventricles: Mask, spacing_mm: int) -> Float[np.ndarray, "3 i j k"]:
    """Return the slope of the blurred ventricles, scaled so that its largest length is 1."""
    blurred = ndimage.gaussian_filter(ventricles.astype(np.float32), 7 / spacing_mm)
    slope = -np.stack(np.gradient(blurred))
    return np.asarray(slope / np.linalg.norm(slope, axis=0).max())
