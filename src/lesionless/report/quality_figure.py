"""One scan's preparation at a glance: mask outline, atlas outline, intensities."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import ndimage

from lesionless.arrays import Mask, Volume
from lesionless.data.scan import Scan
from lesionless.preprocess.atlas import Atlas
from lesionless.preprocess.canonical import ras_affine, to_ras
from lesionless.preprocess.intensity import TISSUE_LEVEL
from lesionless.preprocess.prepared import PreparedScan
from lesionless.report.slice_axes import outline, show_grey
from lesionless.report.style import NORMAL, REFERENCE, SEGMENTATION, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE_INCH = (12.0, 4.2)
# shares of the brain's height at which axial slices are shown: leaks sit low and at the vertex
SCAN_LEVELS = (0.12, 0.45, 0.75, 0.92)
PREPARED_LEVELS = (0.45, 0.75)
N_BINS = 80


class _Plane(NamedTuple):
    """Name one plane of a volume in RAS order."""

    axis: int
    position: int


@styled
def quality_figure(prepared: PreparedScan, scan: Scan | None, atlas: Atlas) -> "Figure":
    """Draw the brain mask on the scan above, the atlas on the prepared slices below.

    Args:
        prepared: The prepared scan.
        scan: The scan that it was made from; where None, its row and its histogram stay empty.
        atlas: The atlas that it was aligned to.
    """
    width_inch, height_inch = SIZE_INCH
    figure = new_figure(height_inch, width_inch=width_inch)
    axes = figure.subplots(2, len(SCAN_LEVELS) + 2)
    if scan is None:
        for panel in (*axes[0], axes[1, -2]):
            panel.set_axis_off()
    else:
        _draw_scan(axes[0], scan, prepared.scan_brain)
        _draw_histogram(axes[1, -2], scan.image[prepared.scan_brain], "brain before (scan's units)")
    _draw_prepared(axes[1, :-2], prepared, atlas)
    _draw_histogram(axes[1, -1], prepared.image[prepared.brain], "after; dashed: tissue level")
    axes[1, -1].axvline(TISSUE_LEVEL, color="#666666", linestyle="--")
    axes[1, -1].set_xlim(0, 1)
    return figure


def _draw_scan(axes: Sequence[Any], scan: Scan, brain: Mask) -> None:
    image, mask = to_ras(scan.image, scan.affine), to_ras(brain, scan.affine)
    spacing_mm = np.linalg.norm(ras_affine(scan.image.shape, scan.affine)[:3, :3], axis=0)
    black, white = np.percentile(image, 1), np.percentile(image[mask], 99.5)
    for panel, plane in zip(axes, _planes(mask, SCAN_LEVELS), strict=True):
        _show(panel, image - black, plane, spacing_mm, white=white - black)
        outline(panel, _cut(mask, plane), SEGMENTATION)
    axes[0].set_title("brain mask on the scan", loc="left")


def _draw_prepared(axes: Sequence[Any], prepared: PreparedScan, atlas: Atlas) -> None:
    image, brain = _from_slices(prepared.image), _from_slices(prepared.brain)
    inside = _from_slices(_atlas_on_slices(prepared, atlas))
    spacing_mm = np.linalg.norm(prepared.geometry.index_to_atlas[:3, [2, 1, 0]], axis=0)
    for panel, plane in zip(axes, _planes(brain, PREPARED_LEVELS), strict=True):
        _show(panel, image, plane, spacing_mm, white=2 * TISSUE_LEVEL)
        outline(panel, _cut(inside, plane), REFERENCE)
    axes[0].set_title("atlas on the prepared slices", loc="left")


def _draw_histogram(axes: Any, values: np.ndarray, title: str) -> None:
    low, high = float(values.min()), float(np.percentile(values, 99.8))
    width = max(high - low, 1e-6) / N_BINS
    if np.array_equal(values, np.round(values)):  # whole numbers in unequal bins look like a comb
        low, width = low - 0.5, float(np.ceil(width))
    axes.hist(values, bins=low + width * np.arange(N_BINS + 1), color=NORMAL)
    axes.set_xlim(low, high)
    axes.set_yticks([])
    axes.set_title(title, loc="left")


def _show(
    axes: Any, volume: Volume, plane: _Plane, spacing_mm: np.ndarray, *, white: float
) -> None:
    across_mm, up_mm = np.delete(spacing_mm, plane.axis)
    show_grey(axes, _cut(volume, plane), white=white, aspect=up_mm / across_mm)
    axes.set_anchor("C")


def _cut(volume: Volume | Mask, plane: _Plane) -> np.ndarray:
    """Return one plane for display: up or front at the top, right or front at the left."""
    return np.asarray(np.take(volume, plane.position, axis=plane.axis).T[::-1, ::-1])


def _planes(mask: Mask, levels: Sequence[float]) -> list[_Plane]:
    """Choose axial planes at shares of the mask's height, a coronal and a sagittal one."""
    (left, right), (back, front), (bottom, top) = (_extent(mask, axis) for axis in range(3))
    axial = [_Plane(2, round(bottom + level * (top - bottom))) for level in levels]
    # the sagittal plane lies beside the midline, where there is more cortex than falx
    return [*axial, _Plane(1, (back + front) // 2), _Plane(0, round(left + 0.4 * (right - left)))]


def _extent(mask: Mask, axis: int) -> tuple[int, int]:
    others = tuple(other for other in range(3) if other != axis)
    held = np.flatnonzero(mask.any(axis=others))
    return int(held[0]), int(held[-1])


def _from_slices(slices: np.ndarray) -> np.ndarray:
    """Turn (slice, row, column), which runs up, back and left, into RAS order."""
    return np.asarray(slices.transpose(2, 1, 0)[::-1, ::-1])


def _atlas_on_slices(prepared: PreparedScan, atlas: Atlas) -> np.ndarray:
    index_to_voxel = np.linalg.inv(atlas.affine) @ prepared.geometry.index_to_atlas
    return np.asarray(
        ndimage.affine_transform(
            atlas.mask.astype(np.float32),
            index_to_voxel[:3, :3],
            index_to_voxel[:3, 3],
            output_shape=prepared.image.shape,
            order=1,
        )
        > 0.5
    )
