"""A simple head around the brain: CSF, bone, scalp, face and eyes, for skull stripping."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from lesionless.arrays import Mask, Volume
from lesionless.data.phantom.anatomy import Lattice, load_tissue
from lesionless.data.phantom.contrast import Points
from lesionless.data.phantom.deformation import Range

# MNI mm, read off the shape of the template's brain
_EYES_MM = ((-32, 66, -38), (32, 66, -38))
_EYE_RADIUS_MM = 12.0
_FACE_MM, _FACE_RADII_MM = (0, 38, -62), (62, 56, 50)
_CLOSING_MM = 14.0
_AIR, _TABLE = 0.0, 0.06


@dataclass(frozen=True)
class Skull:
    """Say what the head around the brain looks like; ranges are uniform, signals relative to WM.

    Attributes:
        fluid_mm: Width of the CSF and dura around the brain.
        bone_mm: Thickness of the bone.
        scalp_mm: Thickness of fat and skin.
        marrow: Signal of the middle of the bone; its tables are dark.
        fat: Signal of fat.
        muscle: Signal of the face.
    """

    fluid_mm: Range = (1.0, 2.5)
    bone_mm: Range = (5.0, 8.0)
    scalp_mm: Range = (4.0, 8.0)
    marrow: Range = (0.2, 0.5)
    fat: Range = (1.2, 2.2)
    muscle: Range = (0.4, 0.7)


@dataclass(frozen=True, eq=False)
class HeadMap:
    """Hold the average head on one lattice.

    Attributes:
        lattice: Where the voxels lie.
        outside_mm: Distance from the brain, whose clefts and underside are filled.
        face_mm: Depth inside the face, negative outside of it.
        eye_mm: Depth inside an eye, negative outside.
        near: Everything that can be part of a head.
        around: The part of it that is not deep inside the brain.
    """

    lattice: Lattice
    outside_mm: Volume
    face_mm: Volume
    eye_mm: Volume
    near: Mask
    around: Mask


@cache
def load_head(spacing_mm: int = 2) -> HeadMap:
    """Derive the head from the brain mask; see `load_tissue` for `spacing_mm`."""
    tissue = load_tissue(spacing_mm)
    grown = ndimage.distance_transform_edt(~tissue.brain) * spacing_mm < _CLOSING_MM
    closed = (ndimage.distance_transform_edt(grown) * spacing_mm > _CLOSING_MM) | tissue.brain
    outside_mm = ndimage.distance_transform_edt(~closed).astype(np.float32) * spacing_mm
    x, y, z = np.meshgrid(*tissue.lattice.axes(), indexing="ij", sparse=True)
    (fx, fy, fz), (rx, ry, rz) = _FACE_MM, _FACE_RADII_MM
    face = 1 - np.sqrt(((x - fx) / rx) ** 2 + ((y - fy) / ry) ** 2 + ((z - fz) / rz) ** 2)
    eyes = [
        _EYE_RADIUS_MM - np.sqrt((x - ex) ** 2 + (y - ey) ** 2 + (z - ez) ** 2)
        for ex, ey, ez in _EYES_MM
    ]
    face_mm = (min(_FACE_RADII_MM) * face).astype(np.float32)
    near = np.zeros_like(tissue.brain)
    inner = (slice(1, -1),) * 3
    near[inner] = ((outside_mm < 20) | (face_mm > -1))[inner]
    return HeadMap(
        lattice=tissue.lattice,
        outside_mm=outside_mm,
        face_mm=face_mm,
        eye_mm=np.maximum(*eyes).astype(np.float32),
        near=near,
        around=near & ~ndimage.binary_erosion(tissue.brain, iterations=2),
    )


@dataclass(frozen=True, eq=False)
class HeadAt:
    """Hold the average head at points; see `HeadMap`."""

    outside_mm: Points
    face_mm: Points
    eye_mm: Points


def skull_signal(
    generator: np.random.Generator,
    head: HeadAt,
    texture: Float[np.ndarray, "2 n"],
    *,
    skull: Skull,
    fluid_level: float,
) -> Points:
    """Return the signal of the head around the brain.

    Args:
        generator: Source of the head's own thicknesses and signals.
        head: The average head at n points outside the brain.
        texture: Two smooth normal fields of spread 1 at the points.
        skull: What heads look like.
        fluid_level: The scan's signal of CSF.
    """
    draw = generator.uniform
    inner_mm = draw(*skull.fluid_mm)
    outer_mm = inner_mm + draw(*skull.bone_mm) * (1 + 0.05 * texture[0])
    skin_mm = outer_mm + draw(*skull.scalp_mm) * (1 + 0.05 * texture[0])
    fat, muscle = draw(*skull.fat), draw(*skull.muscle)
    flesh = np.where(texture[0] > 1.0, fat, muscle * np.exp(0.25 * texture[1]))
    flesh = np.where(texture[1] < -1.3, _AIR, flesh)
    face = _over(_AIR, fat, head.face_mm)
    face = _over(face, flesh, head.face_mm - 4)
    face = _over(face, fat, head.eye_mm + 5)
    face = _over(face, fluid_level, head.eye_mm)
    depth_mm = head.outside_mm
    signal = _over(face, fat * np.exp(0.1 * texture[1]), skin_mm - depth_mm)
    signal = _over(signal, _TABLE, outer_mm - depth_mm)
    middle = np.abs(depth_mm - (inner_mm + outer_mm) / 2)
    signal = _over(signal, draw(*skull.marrow), (outer_mm - inner_mm) / 4 - middle)
    return _over(signal, fluid_level, inner_mm - depth_mm)


def _over(below: Points | float, above: Points | float, inside_mm: Points) -> Points:
    """Lay a tissue over others where `inside_mm` is positive, with partial volume over 1 mm."""
    share = np.clip(inside_mm + 0.5, 0, 1)
    return np.asarray((1 - share) * below + share * above, dtype=np.float32)
