"""Brain of a scan that is already skull-stripped: whatever differs from the background."""

import numpy as np

from lesionless.arrays import Mask, Volume

# share of the intensity range that counts as background: covers resampling noise, not tissue
TOLERANCE = 0.01
# fewer voxels than this below the background are dips of interpolation, not tissue
DIP_SHARE = 0.05
# the corners of a box around a brain are half of it
CONSTANT_SHARE = 0.3


def foreground_mask(image: Volume) -> Mask:
    """Mark the voxels that differ from the background.

    Voxels below the background count only where they are many (as in z-scored images); few of
    them are the dips that spline interpolation leaves around a brain.

    Args:
        image: (i, j, k) skull-stripped scan in any units.

    Returns:
        (i, j, k) mask, neither cleaned nor filled.
    """
    difference = image - background_value(image)
    tolerance = TOLERANCE * np.percentile(np.abs(difference), 99)
    above = difference > tolerance
    below = difference < -tolerance
    n_below = np.count_nonzero(below)
    if n_below <= DIP_SHARE * (n_below + np.count_nonzero(above)):
        return np.asarray(above)
    return np.asarray(above | below)


def background_value(image: Volume) -> float:
    """Return the most frequent value on the faces of the volume, in the image's units."""
    faces = _faces(image)
    low, high = np.percentile(image, (0.1, 99.9))
    step = max(float(high - low) * TOLERANCE, float(np.finfo(np.float32).tiny))
    levels, counts = np.unique(np.round((faces - low) / step), return_counts=True)
    level = levels[counts.argmax()]
    return float(np.median(faces[np.round((faces - low) / step) == level]))


def has_constant_background(image: Volume) -> bool:
    """Tell whether so many voxels hold the very same value that a program must have set them."""
    return float(np.mean(image == background_value(image))) > CONSTANT_SHARE


def _faces(image: Volume) -> np.ndarray:
    inner = np.zeros(image.shape, dtype=bool)
    inner[1:-1, 1:-1, 1:-1] = True
    return image[~inner]
