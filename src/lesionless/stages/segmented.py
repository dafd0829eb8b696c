"""What a model finds in one prepared scan, on the scan's own grid."""

from dataclasses import dataclass

import numpy as np

from lesionless.arrays import Mask, Volume, voxel_mm3
from lesionless.models.bundle import Bundle
from lesionless.preprocess.prepared import PreparedScan, to_scan_grid
from lesionless.scoring.recipe import ScoreSettings
from lesionless.scoring.segment import Lesion, lesions, segment
from lesionless.stages.apply import apply
from lesionless.stages.rebuild import rebuilder


@dataclass(frozen=True, eq=False)
class Segmented:
    """Hold what is written for one scan, on its own grid.

    Attributes:
        anomaly: (i, j, k) score in units of the normals' spread, 0 outside the brain.
        segmentation: (i, j, k) lesion mask.
        seen: (i, j, k) where the scan was rebuilt: its brain, as far as there were slices.
        reconstruction: (i, j, k) in the scan's units, 0 outside the brain.
        lesions: The components of the segmentation, the largest first.
        threshold: Score above which a voxel is segmented.
    """

    anomaly: Volume
    segmentation: Mask
    seen: Mask
    reconstruction: Volume
    lesions: list[Lesion]
    threshold: float


def segment_prepared(
    bundle: Bundle, prepared: PreparedScan, *, operating_point: str, device: str = "cpu"
) -> Segmented:
    """Run the model on a prepared scan and bring the results to the scan's own grid."""
    scored = apply(bundle, prepared, rebuilder(bundle.method, device=device))
    geometry, brain = prepared.geometry, prepared.scan_brain
    anomaly = to_scan_grid(scored.score, geometry) * brain
    rebuilt = to_scan_grid(scored.reconstruction, geometry)
    seen = brain & (to_scan_grid(prepared.brain, geometry, order=0) > 0)
    in_scan_units = np.where(seen, prepared.offset + prepared.scale * rebuilt, 0)
    threshold = bundle.thresholds[operating_point]
    min_lesion_mm3 = ScoreSettings(**bundle.scoring).min_lesion_mm3
    smallest = min_lesion_mm3 / voxel_mm3(geometry.scan_affine)
    segmentation = segment(anomaly, threshold=threshold, min_voxels=smallest)
    return Segmented(
        anomaly=anomaly.astype(np.float32),
        segmentation=segmentation,
        seen=seen,
        reconstruction=in_scan_units.astype(np.float32),
        lesions=lesions(segmentation, anomaly, geometry.scan_affine, geometry.scan_to_atlas),
        threshold=threshold,
    )
