"""A scan made ready for the models, with the way back to its own grid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from lesionless.arrays import Affine, Mask, SliceMask, Slices, Volume

FIELD_OF_VIEW_MM = 256.0
"""Side of every prepared slice; 256 pixels are 1 mm each."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """Say where the prepared slices lie in the scan and in the atlas.

    On thick-slice scans a prepared slice is one of the scan's own slices, so the slice index maps
    to a whole voxel index of the scan and no slice is mixed with its neighbours.

    Attributes:
        scan_shape: Shape of the scan's own grid.
        scan_affine: From scan voxel (i, j, k) to scan millimetres.
        index_to_scan: From prepared index (slice, row, column) to scan voxel (i, j, k).
        index_to_atlas: From prepared index (slice, row, column) to atlas millimetres, RAS+.
        atlas: Name of the atlas space, for example `MNI152NLin2009aSym`.
    """

    scan_shape: tuple[int, int, int]
    scan_affine: Affine
    index_to_scan: Affine
    index_to_atlas: Affine
    atlas: str

    @property
    def scan_to_atlas(self) -> Affine:
        """Return the matrix from scan millimetres to atlas millimetres, RAS+ both."""
        return np.asarray(
            self.index_to_atlas @ np.linalg.inv(self.scan_affine @ self.index_to_scan)
        )

    @property
    def atlas_spacing_mm(self) -> tuple[float, float, float]:
        """Return the distance of neighbouring slices, rows and columns in atlas millimetres."""
        slices, rows, columns = np.linalg.norm(self.index_to_atlas[:3, :3], axis=0)
        return float(slices), float(rows), float(columns)

    def level_mm(self, slice_index: int | np.ndarray) -> Any:
        """Return the atlas height (z, mm) at the middle of slices.

        On a tilted stack the height changes within a slice; the middle is what counts.
        """
        pixel_mm = np.linalg.norm(self.index_to_atlas[:3, 2])
        middle = (FIELD_OF_VIEW_MM / pixel_mm - 1) / 2
        z = self.index_to_atlas[2]
        return z[0] * slice_index + (z[1] + z[2]) * middle + z[3]


@dataclass(frozen=True, eq=False)
class PreparedScan:
    """Hold the prepared slices of one scan.

    Attributes:
        name: The input's file name without extension, all its entities kept.
        subject: The subject label, without `sub-`.
        image: (slice, row, column) float32 in [0, 1], tissue-scaled, 0 outside the brain.
        brain: (slice, row, column) brain mask.
        lesion: (slice, row, column) reference lesions, or None where nothing is known of them.
        scan_brain: (i, j, k) brain mask on the scan's own grid.
        geometry: The way back.
        offset: Scan intensity = offset + scale * image.
        scale: See `offset`.
        quality: Figures of the quality gates, for the quality page.
        record: What was done: methods, settings, messages. JSON values only.
    """

    name: str
    subject: str
    image: Slices
    brain: SliceMask
    lesion: SliceMask | None
    scan_brain: Mask
    geometry: Geometry
    offset: float
    scale: float
    quality: Mapping[str, float] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)


def to_scan_grid(slices: Slices | SliceMask, geometry: Geometry, *, order: int = 1) -> Volume:
    """Resample prepared slices to the scan's own grid, 0 outside of them.

    Args:
        slices: (slice, row, column) map or mask.
        geometry: The way back, from the prepared scan.
        order: 1 for maps (linear), 0 for labels (nearest neighbour).

    Returns:
        (i, j, k) float32 on the scan's own grid.
    """
    scan_to_index = np.linalg.inv(geometry.index_to_scan)
    return np.asarray(
        ndimage.affine_transform(
            slices.astype(np.float32),
            _snap(scan_to_index[:3, :3]),
            _snap(scan_to_index[:3, 3]),
            output_shape=geometry.scan_shape,
            order=order,
            mode="grid-constant",
        )
    )


def _snap(matrix: np.ndarray) -> np.ndarray:
    """Round away the 1e-12 that inversion leaves, so that own slices are hit exactly."""
    return np.round(matrix, 9)
