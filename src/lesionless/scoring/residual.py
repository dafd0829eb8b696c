"""What of a slice its reconstruction leaves over."""

from collections.abc import Callable, Mapping

import numpy as np

from lesionless.arrays import SliceMask, Slices

LEVELS = 4096  # intensity levels of the equalisation; finer changes no rank that matters


def absolute(image: Slices, reconstruction: Slices, brain: SliceMask) -> Slices:
    """Return |x - x_hat|.

    Source: Baur et al. 2018, "Anomaly Detection", step 1.
    """
    return np.abs(image - reconstruction) * brain


def positive(image: Slices, reconstruction: Slices, brain: SliceMask) -> Slices:
    """Return max(x - x_hat, 0): what is brighter than expected, as lesions are on FLAIR.

    Source: Baur et al. 2021, Sec. 3.4.
    """
    return np.maximum(image - reconstruction, 0) * brain


def ratio(image: Slices, reconstruction: Slices, brain: SliceMask) -> Slices:
    """Return x / x_hat: intensity over what is expected, free of the scan's bias field."""
    return image / np.maximum(reconstruction, 1e-2) * brain


def equalised(image: Slices, reconstruction: Slices, brain: SliceMask) -> Slices:
    """Return the histogram-equalised intensity: the share of the scan's brain that is darker.

    The reconstruction plays no part.

    Source: Meissen et al. 2021.
    """
    return equalise(image, brain)


def equalise(image: Slices, brain: SliceMask) -> Slices:
    """Return for each brain pixel the share of the brain that is darker, in [0, 1]; 0 elsewhere.

    >>> image = np.array([[[0.1, 0.4, 0.2, 0.9]]])
    >>> equalise(image, image > 0)
    array([[[0.  , 0.5 , 0.25, 0.75]]])
    """
    level = np.minimum(image * LEVELS, LEVELS - 1).astype(np.intp)
    counts = np.bincount(level[brain], minlength=LEVELS)
    darker = np.cumsum(counts) - counts
    shares = (darker / max(int(counts.sum()), 1)).astype(image.dtype)
    return np.where(brain, shares[level], 0).astype(image.dtype)


RESIDUALS: Mapping[str, Callable[[Slices, Slices, SliceMask], Slices]] = {
    "absolute": absolute,
    "positive": positive,
    "ratio": ratio,
    "equalised": equalised,
}
