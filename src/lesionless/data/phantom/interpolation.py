"""Trilinear interpolation of several volumes at the same points."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from jaxtyping import Float

from lesionless.arrays import Volume

# so many points at a time stay in the processor's cache
_CHUNK = 16384


def interpolate(
    volumes: Sequence[Volume], index: Float[np.ndarray, "3 n"]
) -> Float[np.ndarray, "volume n"]:
    """Interpolate volumes of one shape linearly.

    It gives what `scipy.ndimage.map_coordinates` gives with order 1, several times faster for
    many volumes, because places and weights are worked out once.

    Args:
        volumes: (i, j, k) each, all of one shape and C order.
        index: Fractional voxel index of n points; points beyond the edge get the edge's value.

    Returns:
        (volume, n) float32.
    """
    shape = volumes[0].shape
    flat = [np.ascontiguousarray(volume, dtype=np.float32).ravel() for volume in volumes]
    values = np.zeros((len(volumes), index.shape[1]), dtype=np.float32)
    for start in range(0, index.shape[1], _CHUNK):
        part = slice(start, start + _CHUNK)
        for place, weight in _corners(index[:, part], shape):
            for volume, value in zip(flat, values, strict=True):
                value[part] += weight * volume[place]
    return values


def _corners(
    index: Float[np.ndarray, "3 n"], shape: tuple[int, ...]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return place and weight of the eight voxels around each point."""
    last = np.array(shape, dtype=np.float32)[:, None] - 1
    clipped = np.clip(index, 0, last)
    low = np.minimum(clipped.astype(np.int32), np.array(shape, dtype=np.int32)[:, None] - 2)
    share = clipped - low.astype(np.float32)
    weights = (1 - share, share)
    steps = (shape[1] * shape[2], shape[2], 1)
    first = low[0] * steps[0] + low[1] * steps[1] + low[2]
    return [
        (
            first + (a * steps[0] + b * steps[1] + c),
            weights[a][0] * weights[b][1] * weights[c][2],
        )
        for a, b, c in product((0, 1), repeat=3)
    ]
