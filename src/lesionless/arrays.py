"""Shapes and meanings of the arrays that cross module borders, and what an affine says."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

Volume: TypeAlias = Float[np.ndarray, "i j k"]
"""A scan, or a map on its grid, in the scan's own voxel order."""

Mask: TypeAlias = Bool[np.ndarray, "i j k"]
"""A brain or lesion mask on a scan's grid."""

Labels: TypeAlias = Int[np.ndarray, "i j k"]
"""Numbers of lesions on a scan's grid, 0 where there is none."""

Slices: TypeAlias = Float[np.ndarray, "slice row column"]
"""Axial slices in atlas space: slice 0 is lowest, row 0 anterior, column 0 the patient's right."""

Plane: TypeAlias = Float[np.ndarray, "row column"]
"""One of `Slices`."""

SliceMask: TypeAlias = Bool[np.ndarray, "slice row column"]
"""A brain or lesion mask on the grid of `Slices`."""

Affine: TypeAlias = Float[np.ndarray, "4 4"]
"""A homogeneous transform, from indices to millimetres (RAS+) unless the name says otherwise."""


def voxel_mm3(affine: Affine) -> float:
    """Return the volume of a voxel.

    >>> round(voxel_mm3(np.diag([-2.0, 3.0, 5.0, 1.0])), 9)
    30.0
    """
    return float(abs(np.linalg.det(affine[:3, :3])))
