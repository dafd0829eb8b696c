"""Bring the tissue of every scanner to the same grey value: air level, tissue level, bias field."""

import numpy as np
from scipy import ndimage

from lesionless.arrays import Mask, Volume
from lesionless.errors import ScanError

TISSUE_LEVEL = 0.4  # of [0, 1]; lesions up to 2.5 times the tissue stay unclipped
AIR_QUANTILE = 1 / 6  # the median of the darkest third of what is not brain
N4_CELL_MM = 4.0
N4_ITERATIONS = (30, 30, 20)


def air_level(image: Volume, brain: Mask) -> float:
    """Return the scan's value of nothing.

    It is the median of the darkest third of the voxels outside the brain: air in a raw scan, the
    padding in a stripped one.

    Args:
        image: (i, j, k) scan in any units.
        brain: (i, j, k) brain mask.
    """
    outside = image[~brain]
    return float(np.quantile(outside, AIR_QUANTILE)) if outside.size else float(image.min())


def tissue_level(image: Volume, brain: Mask) -> float:
    """Return the typical value of normal white and grey matter.

    It is the highest peak of the smoothed histogram of the brain, which neither a large lesion
    nor a mask with some skull in it moves.

    Args:
        image: (i, j, k) scan in any units.
        brain: (i, j, k) brain mask.

    Raises:
        ScanError: The brain is empty or constant.
    """
    values = image[brain]
    if not values.size or values.min() == values.max():
        raise ScanError(
            f"Expected tissue contrast within the brain mask, found {values.size} voxels of one "
            "value. Check that the mask belongs to the scan."
        )
    low, high = np.quantile(values, [0.02, 0.98])
    counts, edges = np.histogram(values, bins=256, range=(low, high))
    smooth = ndimage.gaussian_filter1d(counts.astype(float), 8.0, mode="constant")
    peak = int(np.argmax(smooth))
    return float((edges[peak] + edges[peak + 1]) / 2)


def correct_bias(
    image: Volume, brain: Mask, spacing_mm: tuple[float, float, float], *, threads: int = 1
) -> Volume:
    """Divide out the smooth unevenness of the coil (N4).

    The field is found on a coarser copy and scaled so that its mean in the brain is 1.

    Args:
        image: (i, j, k) scan with air at 0.
        brain: (i, j, k) brain mask.
        spacing_mm: Voxel size.
        threads: Number of threads.

    Source: Tustison et al. 2010, N4ITK. Not in the paper, which used stripped, co-registered data.
    """
    import SimpleITK

    steps = block_sizes(image.shape, spacing_mm, N4_CELL_MM)
    small = SimpleITK.GetImageFromArray(np.maximum(block_mean(image, steps), 1e-3).T)
    mask = SimpleITK.GetImageFromArray((block_mean(brain, steps) > 0.5).astype(np.uint8).T)
    for part in (small, mask):
        part.SetSpacing([float(mm * step) for mm, step in zip(spacing_mm, steps, strict=True)])
    n4 = SimpleITK.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(N4_ITERATIONS)
    n4.SetNumberOfThreads(threads)
    n4.Execute(small, mask)
    log_field = SimpleITK.GetArrayFromImage(n4.GetLogBiasFieldAsImage(small)).T
    log_field = log_field - log_field[block_mean(brain, steps) > 0.5].mean()
    return np.asarray(image / np.exp(_spread(log_field, steps, image.shape)), dtype=np.float32)


def smooth_by_curvature(
    image: Volume, *, in_plane: bool, iterations: int = 5, threads: int = 1
) -> Volume:
    """Denoise with curvature flow: level lines shrink by their curvature, edges stay.

    Args:
        image: (i, j, k) scan.
        in_plane: Work within each axial slice (thick slices), or in 3-D.
        iterations: Number of time steps; 0 leaves the scan as it is.
        threads: Number of threads.

    Source: Baur et al. 2018, Sec. 3.1 (CurvatureFlow), without parameters; those are ITK's.
    """
    import SimpleITK

    flow = SimpleITK.CurvatureFlowImageFilter()
    flow.SetNumberOfIterations(iterations)
    flow.SetTimeStep(0.125 if in_plane else 0.0625)  # the largest that is stable in 2-D and 3-D
    flow.SetNumberOfThreads(threads)

    def run(part: np.ndarray) -> np.ndarray:
        done = flow.Execute(SimpleITK.GetImageFromArray(np.ascontiguousarray(part.T)))
        return np.asarray(SimpleITK.GetArrayFromImage(done).T)

    if not iterations:
        return image
    if not in_plane:
        return run(image)
    return np.stack([run(image[..., k]) for k in range(image.shape[2])], axis=2)


def block_sizes(
    shape: tuple[int, ...], spacing_mm: tuple[float, float, float], cell_mm: float
) -> tuple[int, ...]:
    """Return how many voxels per axis make a block of about `cell_mm`."""
    wanted = [max(1, round(cell_mm / mm)) for mm in spacing_mm]
    return tuple(min(step, max(1, size // 4)) for step, size in zip(wanted, shape, strict=True))


def block_mean(volume: Volume | Mask, steps: tuple[int, ...]) -> Volume:
    """Average blocks of voxels; an incomplete block at the far end is padded with edge values."""
    padding = [(0, -size % step) for size, step in zip(volume.shape, steps, strict=True)]
    padded = np.pad(volume.astype(np.float32), padding, mode="edge")
    i, j, k = (size // step for size, step in zip(padded.shape, steps, strict=True))
    blocks = padded.reshape(i, steps[0], j, steps[1], k, steps[2])
    return np.asarray(blocks.mean(axis=(1, 3, 5)))


def _spread(coarse: Volume, steps: tuple[int, ...], shape: tuple[int, ...]) -> Volume:
    """Interpolate block values to the voxels, linear between block centres."""
    matrix = [1 / step for step in steps]
    offset = [(1 - step) / 2 / step for step in steps]
    return np.asarray(
        ndimage.affine_transform(
            coarse, matrix, offset, output_shape=shape, order=1, mode="nearest"
        )
    )
