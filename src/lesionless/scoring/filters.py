"""What happens to a residual before the threshold, and to a segmentation after it."""

from collections.abc import Callable, Mapping

import numpy as np
from scipy import ndimage

from lesionless.arrays import Mask, SliceMask, Slices


def median_2d(score: Slices, *, size: int) -> Slices:
    """Return the median over a square window of `size` pixels in each slice.

    Source: Baur et al. 2018, "Anomaly Detection", step 2, "to remove tiny structures".
    """
    return ndimage.median_filter(score, size=(1, size, size))


def median_3d(score: Slices, *, size: int) -> Slices:
    """Return the median over a cube of `size` voxels.

    Source: Baur et al. 2021, Sec. 3.4: 5x5x5.
    """
    return ndimage.median_filter(score, size=size)


def no_filter(score: Slices, *, size: int) -> Slices:
    """Return the score as it is."""
    return score


FILTERS: Mapping[str, Callable[..., Slices]] = {
    "median-2d": median_2d,
    "median-3d": median_3d,
    "none": no_filter,
}


def reach_across(score: Slices, *, reach: int) -> Slices:
    """Return the geometric mean of each score and the highest of `reach` slices either way.

    A lesion's first and last slice show little of it; how bright it is, the slices between tell.
    Scores of 0 or less stay.
    """
    if reach < 1:
        return score
    highest = ndimage.maximum_filter1d(score, 2 * reach + 1, axis=0)
    return np.where(score > 0, np.sqrt(np.maximum(score * highest, 0)), score)


def erode(brain: SliceMask, *, pixels: int) -> SliceMask:
    """Take `pixels` layers off the brain mask in each slice; 0 leaves it."""
    if pixels == 0:
        return brain
    disc = ndimage.generate_binary_structure(2, 1)[np.newaxis]
    return ndimage.binary_erosion(brain, disc, iterations=pixels)


def drop_small(segmentation: Mask, *, min_voxels: float) -> Mask:
    """Remove components (26 neighbours) of fewer than `min_voxels` voxels.

    Source: Baur et al. 2021, Sec. 3.4.
    """
    if min_voxels <= 1:
        return segmentation
    labels, _ = components(segmentation)
    sizes = np.bincount(labels.ravel())
    keep = sizes >= min_voxels
    keep[0] = False
    return np.asarray(keep[labels])


def components(segmentation: Mask) -> tuple[np.ndarray, int]:
    """Label the connected components (26 neighbours); return the labels and their number."""
    labels, number = ndimage.label(segmentation, np.ones((3, 3, 3)))
    return labels, number
