"""Coarser copies of a volume by averaging blocks of voxels, and back by interpolation."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from lesionless.arrays import Mask, Volume

FEWEST_BLOCKS = 4


def block_sizes(
    shape: Sequence[int], spacing_mm: Sequence[float] | np.ndarray, cell_mm: float
) -> tuple[int, ...]:
    """Return how many voxels per axis make a block of about `cell_mm`.

    Example:
        >>> block_sizes((256, 256, 20), (0.9, 0.9, 6.0), 4.0)
        (4, 4, 1)
    """
    return tuple(
        min(max(1, round(cell_mm / float(mm))), max(1, size // FEWEST_BLOCKS))
        for size, mm in zip(shape, spacing_mm, strict=True)
    )


def block_mean(volume: Volume | Mask, steps: Sequence[int]) -> Volume:
    """Average blocks of voxels; an incomplete block at the far end is filled with edge values.

    Example:
        >>> block_mean(np.arange(4.0).reshape(4, 1, 1), (2, 1, 1)).ravel().tolist()
        [0.5, 2.5]
    """
    padding = [(0, -size % step) for size, step in zip(volume.shape, steps, strict=True)]
    total = np.pad(volume.astype(np.float32), padding, mode="edge")
    for axis, step in enumerate(steps):  # an axis at a time is faster than all at once
        before, size, after = total.shape[:axis], total.shape[axis], total.shape[axis + 1 :]
        total = total.reshape(*before, size // step, step, *after).sum(axis=axis + 1)
    return np.asarray(total / np.float32(np.prod(steps)))


def spread_blocks(coarse: Volume, steps: Sequence[int], shape: Sequence[int]) -> Volume:
    """Interpolate block values back to the voxels, linear between the centres of blocks."""
    return np.asarray(
        ndimage.affine_transform(
            coarse,
            [1 / step for step in steps],
            [(1 - step) / 2 / step for step in steps],
            output_shape=tuple(shape),
            order=1,
            mode="nearest",
        )
    )
