"""The border to SimpleITK: arrays in, one thread where sums must not depend on their order."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from lesionless.arrays import Volume


def itk_image(
    volume: Volume,
    spacing: Sequence[float] | np.ndarray,
    origin: Sequence[float] | np.ndarray = (0, 0, 0),
) -> Any:
    """Return an array (i, j, k) as a SimpleITK image with axes x, y, z.

    Args:
        volume: (i, j, k) float32 or uint8.
        spacing: Distance between voxel centres along each axis.
        origin: Place of the first voxel centre.
    """
    import SimpleITK

    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(volume.T))
    image.SetSpacing([float(value) for value in spacing])
    image.SetOrigin([float(value) for value in origin])
    return image


def itk_array(image: Any) -> Volume:
    """Return a SimpleITK image as an array (i, j, k)."""
    import SimpleITK

    return np.asarray(SimpleITK.GetArrayFromImage(image).T)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let ITK compute in one thread: its parallel sums depend on which thread comes first."""
    import SimpleITK

    before = SimpleITK.ProcessObject.GetGlobalDefaultNumberOfThreads()
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
