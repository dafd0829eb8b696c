"""What a model finds in one scan, on its own grid: maps first, then the mask cut from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lesionless.arrays import Affine, Labels, Mask, Volume, voxel_mm3
from lesionless.models.bundle import Bundle
from lesionless.preprocess.prepared import PreparedScan, to_scan_grid
from lesionless.provenance import describe_software
from lesionless.scoring.recipe import ScoreSettings
from lesionless.scoring.segment import Lesion, lesions, numbered, segment
from lesionless.stages.apply import apply
from lesionless.stages.rebuild import rebuilder


@dataclass(frozen=True, eq=False)
class ScanMaps:
    """Hold what is made of one scan before a mask is cut, on its own grid.

    Attributes:
        anomaly: (i, j, k) score in units of the normals' spread, 0 outside the brain.
        reconstruction: (i, j, k) in the scan's units, 0 where the scan was not rebuilt.
        brain: (i, j, k) brain mask.
        seen: (i, j, k) where the scan was rebuilt: its brain, as far as there were slices.
        scan_affine: From voxel (i, j, k) to scan millimetres.
        scan_to_atlas: From scan millimetres to atlas millimetres.
        air: The scan's intensity outside the head.
        quality: Figures of the quality gates.
        record: How the scan was prepared, JSON values only.
        software: The versions that made the maps, see `describe_software`.
    """

    anomaly: Volume
    reconstruction: Volume
    brain: Mask
    seen: Mask
    scan_affine: Affine
    scan_to_atlas: Affine
    air: float
    quality: Mapping[str, float]
    record: Mapping[str, Any]
    software: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Segmented:
    """Hold the lesions of one scan at an operating point, on its own grid.

    Attributes:
        maps: What they were cut from.
        labels: (i, j, k) number of the lesion that each voxel belongs to, the largest being 1.
        lesions: The lesions, in the order of their numbers.
        threshold: Score above which a voxel is segmented.
    """

    maps: ScanMaps
    labels: Labels
    lesions: list[Lesion]
    threshold: float

    @property
    def segmentation(self) -> Mask:
        """Return the (i, j, k) lesion mask."""
        return self.labels > 0


def map_prepared(bundle: Bundle, prepared: PreparedScan, *, device: str = "cpu") -> ScanMaps:
    """Run the model on a prepared scan and bring the results to the scan's own grid."""
    scored = apply(bundle, prepared, rebuilder(bundle.method, device=device))
    geometry, brain = prepared.geometry, prepared.scan_brain
    anomaly = to_scan_grid(scored.score, geometry) * brain
    rebuilt = to_scan_grid(scored.reconstruction, geometry)
    seen = brain & (to_scan_grid(prepared.brain, geometry, order=0) > 0)
    in_scan_units = np.where(seen, prepared.offset + prepared.scale * rebuilt, 0)
    return ScanMaps(
        anomaly=anomaly.astype(np.float32),
        reconstruction=in_scan_units.astype(np.float32),
        brain=brain,
        seen=seen,
        scan_affine=geometry.scan_affine,
        scan_to_atlas=geometry.scan_to_atlas,
        air=prepared.offset,
        quality=prepared.quality,
        record=prepared.record,
        software=describe_software(),
    )


def cut(bundle: Bundle, maps: ScanMaps, operating_point: str) -> Segmented:
    """Cut the lesion mask of a scan at one of a model's operating points."""
    threshold = bundle.thresholds[operating_point]
    smallest = ScoreSettings(**bundle.scoring).min_lesion_mm3 / voxel_mm3(maps.scan_affine)
    labels = numbered(segment(maps.anomaly, threshold=threshold, min_voxels=smallest))
    found = lesions(labels, maps.anomaly, maps.scan_affine, maps.scan_to_atlas)
    return Segmented(maps, labels, found, threshold)
