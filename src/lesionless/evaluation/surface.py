"""Distances in millimetres between the surfaces of segmentation and reference."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

from lesionless.arrays import Mask
from lesionless.evaluation.box import bounding_box

NAN = float("nan")


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """Hold the distance from every surface voxel of one mask to the nearest of the other.

    Attributes:
        to_reference: (voxel) from the segmentation's surface, mm; infinite without reference.
        to_segmentation: (voxel) from the reference's surface, mm; infinite without segmentation.
        tolerance_mm: Distance up to which `surface_dice` calls two surfaces one.
    """

    to_reference: Float[np.ndarray, " voxel"]
    to_segmentation: Float[np.ndarray, " voxel"]
    tolerance_mm: float


def surface_distances(
    segmentation: Mask,
    lesion: Mask,
    *,
    spacing_mm: tuple[float, float, float],
    tolerance_mm: float,
) -> SurfaceDistances:
    """Measure both ways between two masks (i, j, k) on one grid.

    The surface of a mask are its voxels with a face that touches the outside; distances are
    Euclidean between voxel centres, in millimetres.
    """
    ours = surface_mm(segmentation, spacing_mm)
    reference = surface_mm(lesion, spacing_mm)
    return SurfaceDistances(
        to_reference=_nearest(ours, reference),
        to_segmentation=_nearest(reference, ours),
        tolerance_mm=tolerance_mm,
    )


def surface_mm(mask: Mask, spacing_mm: tuple[float, float, float]) -> Float[np.ndarray, "voxel 3"]:
    """Return the centres of the surface voxels of a mask (i, j, k), mm from the grid's corner."""
    box = bounding_box(mask)
    padded = np.pad(mask[box], 1)
    inner = padded.copy()
    for axis in range(3):
        inner &= np.roll(padded, 1, axis) & np.roll(padded, -1, axis)
    corner = [side.start - 1 for side in box]
    return np.asarray((np.argwhere(padded & ~inner) + corner) * np.asarray(spacing_mm))


def surface_dice(distances: SurfaceDistances) -> float:
    """Return the share of both surfaces within the tolerance (normalised surface distance).

    nan without reference lesions, 0 when nothing is segmented.

    Source: Nikolov et al. 2018, "Deep learning to achieve clinically applicable segmentation of
        head and neck anatomy"; with surface voxels in place of surface elements.
    """
    if not distances.to_segmentation.size:
        return NAN
    both = np.concatenate([distances.to_reference, distances.to_segmentation])
    return float(np.mean(both <= distances.tolerance_mm))


def hausdorff_95(distances: SurfaceDistances) -> float:
    """Return the larger of the two 95th percentiles of surface distance, mm.

    nan when either mask is empty.
    """
    return hausdorff(distances, percentile=95)


def hausdorff(distances: SurfaceDistances, *, percentile: float) -> float:
    """Return the larger of the two percentiles of surface distance, mm; 100 is the Hausdorff.

    nan when either mask is empty.
    """
    if not distances.to_reference.size or not distances.to_segmentation.size:
        return NAN
    ways = (distances.to_reference, distances.to_segmentation)
    return float(max(np.percentile(way, percentile) for way in ways))


def _nearest(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    if not len(targets):
        return np.full(len(points), np.inf)
    return np.asarray(KDTree(targets).query(points)[0])
