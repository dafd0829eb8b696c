"""Bring the tissue of every scanner to the same grey value: air level, tissue level, bias field."""

import numpy as np
from scipy import ndimage

from lesionless.arrays import Mask, Volume
from lesionless.errors import ScanError
from lesionless.preprocess.blocks import block_mean, block_sizes, spread_blocks
from lesionless.preprocess.itk import itk_array, itk_image, one_thread

TISSUE_LEVEL = 0.4  # of [0, 1]; lesions up to 2.5 times the tissue stay unclipped
AIR_QUANTILE = 1 / 6  # the median of the darkest third of what is not brain
STANDARDISED_SHARE = 0.2  # of the brain below the padding; 0 in scans that were not standardised
PADDING_SHARE = 0.5  # of what is not brain; no scanner gives so many voxels the very same value
DARKEST_QUANTILE = 0.001  # of the brain: fluid, but not a few dips of interpolation
STANDARDISED = (
    "The background lies amid the brain's values, as in a z-scored scan; the darkest of the brain "
    "was taken for nothing. Give the scan as it was before z-scoring, if there is one."
)
N4_CELL_MM = 4.0
N4_FLOOR = 1e-3  # of the tissue: N4 takes logarithms
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


def is_standardised(image: Volume, brain: Mask) -> bool:
    """Tell whether padding lies amid the tissue's values, as in a stripped and z-scored scan.

    Args:
        image: (i, j, k) scan in any units.
        brain: (i, j, k) brain mask.
    """
    air, outside = air_level(image, brain), image[~brain]
    is_padded = outside.size > 0 and np.mean(outside == air) > PADDING_SHARE
    return bool(is_padded and np.mean(image[brain] < air) > STANDARDISED_SHARE)


def padded_below(image: Volume, brain: Mask) -> Volume:
    """Return a standardised scan with the darkest of its brain as padding.

    What the value of nothing was before is not known any more. In a FLAIR the darkest fluid comes
    close to it.

    Args:
        image: (i, j, k) scan in any units.
        brain: (i, j, k) brain mask, not empty.
    """
    darkest = np.quantile(image[brain], DARKEST_QUANTILE)
    return np.where(brain, image, darkest).astype(image.dtype)


def tissue_level(image: Volume, brain: Mask) -> float:
    """Return the typical value of normal white and grey matter.

    It is the mean of the shortest range that holds half of the brain's values: the broad peak of
    white and grey matter. Neither a large lesion, nor fluid, nor a mask with some skull in it
    moves it much; a single histogram peak would jump between white and grey matter.

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
    ordered = np.sort(values)
    n_half = ordered.size // 2
    widths = ordered[n_half:] - ordered[: ordered.size - n_half]
    widths = ndimage.uniform_filter1d(widths, max(1, widths.size // 50))  # whole-number scans tie
    first = int(np.argmin(widths))
    return float(ordered[first : first + n_half].mean())


def correct_bias(image: Volume, brain: Mask, spacing_mm: tuple[float, float, float]) -> Volume:
    """Divide out the smooth unevenness of the coil (N4).

    The field is found on a coarse copy and scaled so that its mean in the brain is 1.

    Args:
        image: (i, j, k) scan with air at 0 and tissue near 1.
        brain: (i, j, k) brain mask.
        spacing_mm: Voxel size.

    Source: Tustison et al. 2010, IEEE TMI 29(6). The paper does not say that it was used.
    """
    import SimpleITK

    steps = block_sizes(image.shape, spacing_mm, N4_CELL_MM)
    cell = [mm * step for mm, step in zip(spacing_mm, steps, strict=True)]
    inside = block_mean(brain, steps) > 0.5
    small = itk_image(np.maximum(block_mean(image, steps), N4_FLOOR), cell)
    n4 = SimpleITK.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(N4_ITERATIONS)
    with one_thread():
        n4.Execute(small, itk_image(inside.astype(np.uint8), cell))
        log_field = itk_array(n4.GetLogBiasFieldAsImage(small))
    log_field = log_field - log_field[inside].mean()
    return np.asarray(image / np.exp(spread_blocks(log_field, steps, image.shape)))


def smooth_by_curvature(
    image: Volume, *, in_plane: bool, iterations: int = 5, threads: int = 1
) -> Volume:
    """Denoise with curvature flow: level lines move by their curvature, edges stay.

    Args:
        image: (slice, row, column) prepared image before it is masked.
        in_plane: Work within each slice (thick slices), or in 3-D.
        iterations: Number of time steps; 0 leaves the image as it is.
        threads: Number of threads.

    Source: Baur et al. 2018, Sec. 3.1 (CurvatureFlow), without parameters; those are ITK's.
    """
    import SimpleITK

    if not iterations:
        return image
    flow = SimpleITK.CurvatureFlowImageFilter()
    flow.SetNumberOfIterations(iterations)
    flow.SetTimeStep(0.125 if in_plane else 0.0625)  # the largest that are stable in 2-D and 3-D
    flow.SetNumberOfThreads(threads)
    parts = image if in_plane else [image]
    images = [SimpleITK.GetImageFromArray(np.ascontiguousarray(part)) for part in parts]
    done = [SimpleITK.GetArrayFromImage(flow.Execute(part)) for part in images]
    return np.stack(done) if in_plane else np.asarray(done[0])
