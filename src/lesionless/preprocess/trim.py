"""Leaks of a brain mask, cut off where they lie far outside the aligned atlas brain."""

from functools import lru_cache

import numpy as np
from scipy import ndimage

from lesionless.arrays import Affine, Mask, Volume
from lesionless.preprocess.atlas import Atlas
from lesionless.preprocess.clean import largest_filled

MARGIN_MM = 10.0
"""Beyond this distance from the atlas brain there was no tumour voxel in 50 glioma patients."""

# the distance map needs no more than this sampling, and ends this far outside the margin
SAMPLE_MM = 2.0


def trim_to_atlas(
    brain: Mask, voxel_to_atlas: Affine, atlas: Atlas, *, margin_mm: float = MARGIN_MM
) -> Mask:
    """Drop the parts of a brain mask that lie further than `margin_mm` from the atlas brain.

    The atlas is aligned by an affine map, so the margin must cover the shape of a single brain;
    what lies beyond it is scalp or orbit.

    Args:
        brain: (i, j, k) brain mask.
        voxel_to_atlas: (4, 4) from its voxel index to atlas millimetres.
        atlas: The atlas that it is aligned to.
        margin_mm: Distance from the atlas brain that is still brain.

    Returns:
        (i, j, k) the rest: one component without holes.
    """
    index = np.argwhere(brain)
    distances_mm, to_map = _distance_map(atlas, margin_mm)
    matrix = to_map @ voxel_to_atlas
    places = matrix[:3, :3] @ index.T + matrix[:3, 3:]
    far_mm = margin_mm + SAMPLE_MM
    found_mm = ndimage.map_coordinates(distances_mm, places, order=1, mode="constant", cval=far_mm)
    trimmed = np.zeros_like(brain)
    trimmed[tuple(index[found_mm <= margin_mm].T)] = True
    return largest_filled(trimmed)


@lru_cache(maxsize=4)
def _distance_map(atlas: Atlas, margin_mm: float) -> tuple[Volume, Affine]:
    """Return distances from the atlas brain (mm), and the affine from millimetres to its index."""
    spacing_mm = np.linalg.norm(atlas.affine[:3, :3], axis=0)
    steps = np.maximum(1, np.round(SAMPLE_MM / spacing_mm)).astype(int)
    sampled = atlas.mask[:: steps[0], :: steps[1], :: steps[2]]
    border = int(np.ceil((margin_mm + 2 * SAMPLE_MM) / (steps * spacing_mm).min()))
    distances_mm = ndimage.distance_transform_edt(
        ~np.pad(sampled, border), sampling=steps * spacing_mm
    )
    to_millimetres = atlas.affine @ np.diag([*steps, 1.0])
    to_millimetres[:3, 3] -= to_millimetres[:3, :3] @ np.full(3, border)
    return distances_mm.astype(np.float32), np.linalg.inv(to_millimetres)
