"""One head's shape and position: a smooth invertible map from the scanner to the average brain."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from lesionless.data.phantom.regions import Regions
from lesionless.data.phantom.smooth_field import SmoothField, node_axis, random_field

NODE_MM = 4.0
"""Distance of the nodes of a deformation."""

MAX_STRAIN = 0.9
"""Largest allowed size of the displacement's derivative; below 1 the map can be inverted."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """Say how much heads differ; ranges are uniform, spreads are standard deviations.

    Attributes:
        scale: Size of the head relative to the MNI152 average, which is larger than most heads.
        turn_deg: Spread of the rotation about each axis.
        shift_mm: Spread of the position along each axis.
        coarse_mm: Spread of the displacement over 45 mm (shape of the brain).
        fine_mm: Spread of the displacement over 16 mm (shape of the cortex).
        ventricles_mm: How far the wall of the ventricles moves outward.
    """

    scale: Range = (0.87, 1.0)
    turn_deg: float = 3.0
    shift_mm: float = 3.0
    coarse_mm: float = 2.5
    fine_mm: float = 1.0
    ventricles_mm: Range = (-1.5, 4.5)


def random_deformation(
    generator: np.random.Generator, regions: Regions, *, shape: Shape
) -> SmoothField:
    """Draw the map from scanner mm to MNI mm, as a field with 3 channels.

    The map is an affine map after `x + u(x)`. Each column of the derivative of `u` is a convex
    mean of differences of neighbouring nodes, so bounding these bounds the derivative everywhere;
    with a bound below 1 the map is one to one and its Jacobian positive.

    Args:
        generator: Source of randomness.
        regions: The average brain's places; the ventricles are moved along `outward`.
        shape: How much heads differ.
    """
    to_atlas, centre = _random_affine(generator, shape)
    axis = node_axis(NODE_MM)
    coarse = shape.coarse_mm * random_field(generator, spacing_mm=45, channels=3).on([axis] * 3)
    fine = shape.fine_mm * random_field(generator, spacing_mm=16, channels=3).on([axis] * 3)
    position = np.stack(np.meshgrid(axis, axis, axis, indexing="ij")).astype(np.float32)
    aligned = np.tensordot(to_atlas, position, axes=1) + centre
    outward = _sample(regions, aligned)
    displacement = coarse + fine - generator.uniform(*shape.ventricles_mm) * outward
    displacement *= MAX_STRAIN / max(MAX_STRAIN, strain_bound(displacement))
    nodes = np.tensordot(to_atlas, position + displacement, axes=1) + centre
    return SmoothField(nodes=np.moveaxis(nodes, 0, -1).astype(np.float32), spacing_mm=NODE_MM)


def strain_bound(displacement: Float[np.ndarray, "3 i j k"]) -> float:
    """Bound the Frobenius norm of the derivative of a displacement given by its nodes, in mm."""
    steps = (np.diff(displacement, axis=axis) / NODE_MM for axis in (1, 2, 3))
    return float(np.sqrt(sum((step**2).sum(axis=0).max() for step in steps)))


def _random_affine(
    generator: np.random.Generator, shape: Shape
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3 1 1 1"]]:
    from scipy.spatial.transform import Rotation

    size = generator.uniform(*shape.scale) * generator.uniform(0.97, 1.03, size=3)
    turn = Rotation.from_euler("xyz", generator.normal(0, shape.turn_deg, size=3), degrees=True)
    shift = generator.normal(0, shape.shift_mm, size=3)
    matrix = (np.diag(1 / size) @ turn.as_matrix()).astype(np.float32)
    # the middle of the brain in MNI space is put near the middle of the scan
    centre = np.array([0, -18, 8]) - matrix @ shift
    return matrix, centre.reshape(3, 1, 1, 1).astype(np.float32)


def _sample(regions: Regions, mm: Float[np.ndarray, "3 i j k"]) -> Float[np.ndarray, "3 i j k"]:
    index = regions.lattice.index(mm)
    sampled = [ndimage.map_coordinates(part, index, order=1) for part in regions.outward]
    return np.stack(sampled)
