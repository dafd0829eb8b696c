"""Where white matter is likely, by the atlas, in the slices of a prepared scan."""

from functools import lru_cache

import numpy as np
from scipy import ndimage

from lesionless.arrays import Affine, Slices, Volume
from lesionless.data.mni152 import mni152_map
from lesionless.errors import UsageError
from lesionless.preprocess.atlas import MNI152

BLUR_MM = 3.0  # brains differ by more than an affine alignment takes away
SURE = 0.8  # of the blurred map: from here on it counts as white matter altogether


def white_matter_at(index_to_atlas: Affine, shape: tuple[int, int, int], space: str) -> Slices:
    """Return how likely white matter is at each pixel.

    Args:
        index_to_atlas: From (slice, row, column) to atlas millimetres.
        shape: Slices, rows, columns.
        space: The atlas that the scan is aligned to.

    Returns:
        (slice, row, column) float32 in [0, 1].

    Raises:
        UsageError: There is no map of white matter for the space.
    """
    if space != MNI152:
        raise UsageError(
            f"Expected {MNI152}, for which there is a map of white matter, found {space}. Leave "
            "`outside_white_matter` at 1."
        )
    likely, affine = _likely()
    to_voxel = np.linalg.inv(affine) @ index_to_atlas
    return np.asarray(
        ndimage.affine_transform(
            likely, to_voxel[:3, :3], to_voxel[:3, 3], output_shape=shape, order=1
        )
    )


@lru_cache(maxsize=1)
def _likely() -> tuple[Volume, Affine]:
    share, affine = mni152_map("wm")  # voxels of 1 mm
    blurred = ndimage.gaussian_filter(share, BLUR_MM)
    return np.minimum(blurred / SURE, 1).astype(np.float32), affine
