"""What happens to a residual before the threshold, and to a segmentation after it."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Bool
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

ACROSS_SLICES = frozenset({"median-3d"})
"""Filters in which the slices on either side have a say, half the size away."""


def reach_across(score: Slices, image: Slices, *, reach: int) -> Slices:
    """Return the mean score of what is at least as bright, at each place, up to `reach` slices off.

    A lesion's first and last slice show little of it; what it is, the brighter slices between
    tell. Cortex that is cut along its surface looks like a lesion in one slice, and not in those
    beside it, where it is as bright.

    Args:
        score: (slice, row, column).
        image: (slice, row, column) intensities; every pixel is as bright as itself.
        reach: Slices either way; 0 leaves the score as it is.
    """
    if reach < 1:
        return score
    total, number = np.zeros_like(score), np.zeros_like(score)
    n_slices = len(score)
    for step in range(-min(reach, n_slices - 1), min(reach, n_slices - 1) + 1):
        here = slice(max(0, -step), n_slices - max(0, step))
        there = slice(max(0, step), n_slices - max(0, -step))
        as_bright = image[there] >= image[here]
        total[here] += score[there] * as_bright
        number[here] += as_bright
    return np.asarray(total / number)


def fill_between(score: Slices, seen: Bool[np.ndarray, " slice"], counted: SliceMask) -> Slices:
    """Return the score with slices that were not seen as the mean of the two beside them.

    Args:
        score: (slice, row, column).
        seen: Which slices were seen.
        counted: Pixels that have a say; the others are 0, and so are those without one beside them.
    """
    known = counted & seen[:, np.newaxis, np.newaxis]
    filled = np.where(known, score, 0)
    gaps = np.flatnonzero(~seen)
    total, number = (
        sum(stack.take(gaps + step, axis=0, mode="clip") for step in (-1, 1))
        for stack in (filled, known.astype(np.uint8))
    )
    filled[gaps] = total / np.maximum(number, 1)
    return filled * counted


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
