"""Cases for the evaluation: from prepared scans and a model, or from maps on disk."""

from collections.abc import Iterable

import numpy as np

from lesionless.arrays import SliceMask
from lesionless.data.scan import read_map, read_mask
from lesionless.evaluation.case import Case
from lesionless.evaluation.matching import Match
from lesionless.evaluation.results import THRESHOLD_FREE, Results
from lesionless.models.bundle import Bundle
from lesionless.preprocess.prepared import PreparedScan
from lesionless.scoring.recipe import ScoreSettings
from lesionless.scoring.segment import segment
from lesionless.stages.apply import apply
from lesionless.stages.normals import in_levels
from lesionless.stages.rebuild import Rebuild
from lesionless.stages.seen import seen_part

EVERYWHERE = "all"
NORMAL_TISSUE = "lesion-free"


def case_of(
    bundle: Bundle,
    scan: PreparedScan,
    rebuild: Rebuild,
    *,
    title: str,
    seed: int,
    regions: Iterable[str] = (),
    operating_points: Iterable[str] = (),
) -> Case:
    """Judge a model on a prepared scan, on the prepared grid.

    Args:
        bundle: A calibrated model.
        scan: A scan whose lesions are known.
        rebuild: How the model rebuilds slices.
        title: Name of the row in the table.
        seed: Of the training run.
        regions: Level ranges that are judged apart from the whole brain.
        operating_points: Keys of the bundle's thresholds.
    """
    score_map = apply(bundle, scan, rebuild).score
    smallest = ScoreSettings(**bundle.scoring).min_lesion_mm3 / float(np.prod(spacing_mm(scan)))
    space = bundle.prepare["space"]
    return Case(
        subject=scan.subject,
        name=scan.name,
        method=title,
        score=score_map,
        brain=scan.brain,
        lesion=scan.lesion,
        segmentations={
            point: segment(score_map, threshold=bundle.thresholds[point], min_voxels=smallest)
            for point in operating_points
        },
        spacing_mm=spacing_mm(scan),
        regions={name: level_mask(scan, space, name) for name in regions if name != EVERYWHERE},
        tissues=_normal_tissue(scan),
        seed=seed,
    )


def judged_regions(results: Results) -> list[str]:
    """Return the regions of results that have lesions in them, without the normal tissue."""
    return [region for region in results.regions if region != NORMAL_TISSUE]


def shown_points(results: Results) -> list[str]:
    """Return the operating points of tables and figures: `any` where there are maps alone."""
    return results.operating_points or [THRESHOLD_FREE]


def _normal_tissue(scan: PreparedScan) -> dict[str, SliceMask]:
    """Return the brain without lesions: its segmented share shows how a threshold carries over."""
    return {} if scan.lesion is None else {NORMAL_TISSUE: scan.brain & ~scan.lesion}


def level_mask(scan: PreparedScan, space: str, levels: str) -> SliceMask:
    """Return the slices at the heights `mid` or `paper` as a mask."""
    chosen = in_levels(scan, space, levels)
    return np.broadcast_to(chosen[:, np.newaxis, np.newaxis], scan.image.shape)


def spacing_mm(scan: PreparedScan) -> tuple[float, float, float]:
    """Return the distance of neighbouring slices, rows and columns in the scan's millimetres."""
    geometry = scan.geometry
    index_to_mm = geometry.scan_affine[:3, :3] @ geometry.index_to_scan[:3, :3]
    slices, rows, columns = np.linalg.norm(index_to_mm, axis=0)
    return float(slices), float(rows), float(columns)


def case_on_disk(
    found: Match, *, method: str, operating_point: str, threshold: float | None = None
) -> Case:
    """Read the map, the masks and the reference of a scan, on the scan's own grid.

    With a threshold, what the map has above it is judged as the lesion mask, in place of the mask
    that lies beside the map.

    Where there is no brain mask the whole grid is judged. The brain is never taken from the map:
    a lesion that a tool does not see would vanish with it. Of our own maps, the slices that were
    segmented are judged. A healthy subject without a reference has no lesion.

    Raises:
        ScanError: A file cannot be read, or the grids of the files differ.
    """
    score_map = read_map(found.score)
    brain = np.ones(score_map.image.shape, dtype=bool)
    if found.brain:
        mask = read_mask(found.brain, score_map)
        brain = mask & seen_part(score_map, mask)
    segmentations = {}
    if threshold is not None:
        segmentations[operating_point] = score_map.image > threshold
    elif found.segmentation:
        segmentations[operating_point] = read_mask(found.segmentation, score_map)
    return Case(
        subject=found.subject,
        name=found.name,
        method=method,
        score=score_map.image,
        brain=brain,
        lesion=read_mask(found.truth, score_map) if found.truth else np.zeros_like(brain),
        segmentations=segmentations,
        spacing_mm=score_map.spacing_mm,
    )
