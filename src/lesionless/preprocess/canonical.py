"""Axes in RAS order and back, so that no result depends on how a scan is stored."""

import nibabel as nib
import numpy as np

from lesionless.arrays import Affine, Mask, Volume

RAS = ((0, 1), (1, 1), (2, 1))


def to_ras(volume: Volume | Mask, affine: Affine) -> Volume | Mask:
    """Reorder and flip the axes so that they run to the right, the front and the top.

    Args:
        volume: (i, j, k) volume in the scan's own voxel order.
        affine: (4, 4) from voxel index to millimetres, RAS+.

    Returns:
        The same voxels, (right, anterior, superior); an oblique scan stays oblique.

    Example:
        >>> to_ras(np.arange(8).reshape(2, 2, 2), np.diag([-1, 1, 1, 1]))[:, 0, 0].tolist()
        [4, 0]
    """
    orientation = nib.orientations.io_orientation(affine)
    return np.ascontiguousarray(nib.orientations.apply_orientation(volume, orientation))


def from_ras(volume: Volume | Mask, affine: Affine) -> Volume | Mask:
    """Undo `to_ras`, given the affine of the scan's own voxel order."""
    orientation = nib.orientations.io_orientation(affine)
    back = nib.orientations.ornt_transform(RAS, orientation)
    return np.ascontiguousarray(nib.orientations.apply_orientation(volume, back))


def ras_turn(shape: tuple[int, ...], affine: Affine) -> Affine:
    """Return the (4, 4) of whole numbers from the index of what `to_ras` makes to the own index."""
    return np.asarray(np.round(np.linalg.inv(affine) @ ras_affine(shape, affine)))


def ras_affine(shape: tuple[int, ...], affine: Affine) -> Affine:
    """Return the affine of the volume that `to_ras` makes from one of this shape and affine."""
    orientation = nib.orientations.io_orientation(affine)
    return np.asarray(affine @ nib.orientations.inv_ornt_aff(orientation, shape))
