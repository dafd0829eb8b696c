"""The smallest box around a mask, so that work is done only where something is."""

import numpy as np

from lesionless.arrays import Mask


def bounding_box(mask: Mask) -> tuple[slice, slice, slice]:
    """Return the slices (i, j, k) of the smallest box that holds a mask; empty for an empty mask.

    Example:
        >>> mask = np.zeros((4, 4, 4), bool)
        >>> mask[1:3, 2, 0] = True
        >>> bounding_box(mask)
        (slice(1, 3, None), slice(2, 3, None), slice(0, 1, None))
    """
    i = _extent(np.any(mask, axis=(1, 2)))
    j = _extent(np.any(mask[i], axis=(0, 2)))
    k = _extent(np.any(mask[i, j], axis=(0, 1)))
    return i, j, k


def _extent(flags: np.ndarray) -> slice:
    at = np.flatnonzero(flags)
    return slice(int(at[0]), int(at[-1]) + 1) if at.size else slice(0, 0)
