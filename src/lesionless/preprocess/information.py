"""Mutual information of values with an image that is moved under them, and its slope."""

import numpy as np

from lesionless.arrays import Volume

N_BINS = 32
MARGIN_BINS = 2  # the window of a value reaches two bins to either side
TINY = np.finfo(np.float64).tiny


def information(
    values: np.ndarray, places: np.ndarray, affine: np.ndarray, moving: Volume
) -> tuple[float, np.ndarray]:
    """Return the mutual information in nats, and its exact slope.

    Args:
        values: (n,) measured values in [0, 1].
        places: (n, 4) where they were measured, in any affine frame, with a 1 at the end.
        affine: (3, 4) from that frame to the voxel index of `moving`.
        moving: (i, j, k) image in [0, 1]; 0 beyond its edge.

    Returns:
        The value, and (3, 4) its derivative by each entry of `affine`.

    Source: Mattes et al. 2003, IEEE TMI 22(1); bins for `values`, cubic B-splines for the other.
    """
    found, by_index = interpolate(moving, affine @ places.T)
    value, by_found = _of_values(values, found)
    # no matrix product: its sums depend on the number of threads
    return value, np.einsum("n,in,nj->ij", by_found, by_index, places, optimize=False)


def interpolate(volume: Volume, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Read a volume off between its voxels, linear, 0 beyond its edge.

    Args:
        volume: (i, j, k) image.
        index: (3, n) places in voxels.

    Returns:
        (n,) values, and (3, n) their exact derivatives by `index`.

    Example:
        >>> volume = np.arange(8.0).reshape(2, 2, 2)
        >>> value, slope = interpolate(volume, np.full((3, 1), 0.5))
        >>> value.tolist(), slope.ravel().tolist()
        ([3.5], [4.0, 2.0, 1.0])
    """
    low = np.clip(np.floor(index), 0, np.array(volume.shape)[:, None] - 2).astype(np.intp)
    x, y, z = share = index - low
    inside = np.all((share >= 0) & (share <= 1), axis=0)
    _, j, k = volume.shape
    first = np.ravel_multi_index(tuple(low), volume.shape)
    steps = [a * j * k + b * k + c for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    corners = volume.ravel()[first + np.array(steps)[:, None]].reshape(2, 2, 2, -1)
    by_z = corners[:, :, 1] - corners[:, :, 0]
    line = corners[:, :, 0] + z * by_z
    by_y = line[:, 1] - line[:, 0]
    pair = line[:, 0] + y * by_y
    by_z = by_z[:, 0] + y * (by_z[:, 1] - by_z[:, 0])
    by_x = pair[1] - pair[0]
    slopes = [by_x, by_y[0] + x * (by_y[1] - by_y[0]), by_z[0] + x * (by_z[1] - by_z[0])]
    return (pair[0] + x * by_x) * inside, np.stack(slopes) * inside


def _of_values(fixed: np.ndarray, moving: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mutual information of values in [0, 1], and its slope by each moving value."""
    n_steps = N_BINS - 2 * MARGIN_BINS - 1
    row = np.rint(fixed * n_steps).astype(np.intp) + MARGIN_BINS
    place = np.clip(moving, 0, 1) * n_steps + MARGIN_BINS
    bin_below = np.floor(place).astype(np.intp)
    cells = row * N_BINS + bin_below + np.arange(-1, 3)[:, None]
    weights, slopes = _window(place - bin_below)
    counts = np.bincount(cells.ravel(), weights.ravel(), N_BINS**2)
    joint = counts.reshape(N_BINS, N_BINS) / len(fixed)
    by_row, by_column = joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True)
    log_ratio = np.log(np.maximum(joint, TINY)) - np.log(np.maximum(by_column, TINY))
    value = np.sum(joint * (log_ratio - np.log(np.maximum(by_row, TINY))))
    slope = (slopes * log_ratio.ravel()[cells]).sum(axis=0) * n_steps / len(fixed)
    return float(value), slope


def _window(share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return four weights of a cubic B-spline at a share of a bin, and their slopes."""
    rest = 1 - share
    near, far = 4 - 6 * share**2 + 3 * share**3, 4 - 6 * rest**2 + 3 * rest**3
    by_near, by_far = 9 * share**2 - 12 * share, 12 * rest - 9 * rest**2
    weights = np.stack([rest**3, near, far, share**3])
    return weights / 6, np.stack([-3 * rest**2, by_near, by_far, 3 * share**2]) / 6
