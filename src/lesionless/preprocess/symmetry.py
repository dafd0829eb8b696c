"""Left-right symmetry of a brain mask about its own best mid-sagittal plane."""

import numpy as np
from scipy import ndimage, optimize

from lesionless.arrays import Affine, Mask

SAMPLE_MM = 6.0
# first steps of the search: yaw and roll in radians, offset in mm
FIRST_STEPS = np.array([0.15, 0.15, 6.0])


def mirror_dice(mask: Mask, affine: Affine) -> float:
    """Return the Dice of a mask with its mirror image about the best plane.

    The plane is searched near the sagittal one, so that a head turned in the scanner is not taken
    for a lopsided mask. Voxels whose mirror place lies outside the field of view do not count.

    Args:
        mask: (i, j, k) brain mask.
        affine: (4, 4) from voxel index to millimetres, RAS+.

    Returns:
        Dice in [0, 1]; 0 for an empty mask.

    Example:
        >>> mask = np.zeros((9, 9, 9), dtype=bool)
        >>> mask[2:7, 2:7, 2:7] = True
        >>> mirror_dice(mask, np.diag([4.0, 4.0, 4.0, 1.0]))
        1.0
    """
    places = _sampled_places(mask, affine)
    if len(places) == 0:
        return 0.0
    soft = mask.astype(np.float32)
    to_voxel = np.linalg.inv(affine)
    limits = np.array(mask.shape)[:, None] - 0.5

    def miss(plane: np.ndarray) -> float:
        index = to_voxel[:3, :3] @ _mirror(places, plane).T + to_voxel[:3, 3:]
        inside = np.all((index >= -0.5) & (index <= limits), axis=0)
        if not inside.any():
            return 1.0
        hits = ndimage.map_coordinates(soft, index[:, inside], order=1, mode="nearest")
        return 1.0 - float(hits.mean())

    steps = np.vstack([np.zeros(3), np.diag(FIRST_STEPS)])
    options = {"initial_simplex": steps, "xatol": 0.01, "fatol": 1e-3, "maxfev": 120}
    found = optimize.minimize(miss, steps[0], method="Nelder-Mead", options=options)
    return float(np.clip(1.0 - found.fun, 0, 1))  # float32 means may round to above 1


def _sampled_places(mask: Mask, affine: Affine) -> np.ndarray:
    """Return (n, 3) millimetre places of mask voxels, about `SAMPLE_MM` apart."""
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    steps = np.maximum(1, np.round(SAMPLE_MM / spacing_mm)).astype(int)
    sampled = mask[:: steps[0], :: steps[1], :: steps[2]]
    return np.asarray(np.argwhere(sampled) * steps @ affine[:3, :3].T + affine[:3, 3])


def _mirror(places: np.ndarray, plane: np.ndarray) -> np.ndarray:
    yaw, roll, offset_mm = plane
    normal = np.array([np.cos(yaw) * np.cos(roll), np.sin(yaw) * np.cos(roll), np.sin(roll)])
    distance_mm = (places - places.mean(axis=0)) @ normal - offset_mm
    return np.asarray(places - 2 * distance_mm[:, None] * normal)
