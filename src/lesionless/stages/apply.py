"""Run a model on one prepared scan: reconstruction and standardised score."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from lesionless.arrays import Slices
from lesionless.models.bundle import Bundle
from lesionless.preprocess.prepared import PreparedScan
from lesionless.preprocess.white_matter import white_matter_at
from lesionless.scoring.filters import reach_across
from lesionless.scoring.normative import Normative
from lesionless.scoring.prior import favour_white_matter
from lesionless.scoring.recipe import ScoreSettings, score, scored
from lesionless.stages.rebuild import Rebuild


@dataclass(frozen=True, eq=False)
class ScoredScan:
    """Hold what a model makes of a scan.

    Attributes:
        reconstruction: (slice, row, column) in [0, 1], 0 outside the brain.
        score: (slice, row, column) in units of the normals' spread, 0 outside the brain.
    """

    reconstruction: Slices
    score: Slices


def apply(bundle: Bundle, scan: PreparedScan, rebuild: Rebuild) -> ScoredScan:
    """Reconstruct and score one prepared scan."""
    reconstruction = rebuild(scan, np.ones(len(scan.image), dtype=bool))
    return ScoredScan(reconstruction * scan.brain, standardised(bundle, scan, reconstruction))


def standardised(bundle: Bundle, scan: PreparedScan, reconstruction: Slices) -> Slices:
    """Return the score of a reconstruction in units of the normals' spread."""
    settings = ScoreSettings(**bundle.scoring)
    raw = raw_score(scan, reconstruction, settings, space=bundle.prepare["space"])
    normative = Normative(bundle.normative["centre"], bundle.normative["spread"])
    inside = scored(scan.brain, settings)
    return normative.standardise(raw, inside, scan.geometry.index_to_atlas)


def raw_score(
    scan: PreparedScan,
    reconstruction: Slices,
    settings: ScoreSettings,
    *,
    space: str,
    rebuilt: Bool[np.ndarray, " slice"] | None = None,
) -> Slices:
    """Return the score of a reconstruction, 0 outside the brain, not yet standardised.

    Args:
        scan: A prepared scan.
        reconstruction: Of its slices.
        settings: See `ScoreSettings`.
        space: Of the atlas, for the map of white matter.
        rebuilt: The slices that were rebuilt; the others are 0 and have no say in their
            neighbours. None for all.

    Raises:
        UsageError: The score leans on a map of white matter that the space does not have.
    """
    index_to_atlas = scan.geometry.index_to_atlas
    slice_mm = float(np.linalg.norm(index_to_atlas[:3, 0]))
    alone = score(scan.image, reconstruction, scan.brain, settings)
    counted = scored(scan.brain, settings)
    if rebuilt is not None:
        counted = counted & rebuilt[:, np.newaxis, np.newaxis]
    image = np.where(counted, scan.image, -1)  # darker than all that counts
    raw = reach_across(alone, image, reach=int(settings.reach_mm / slice_mm)) * counted
    if settings.outside_white_matter == 1:
        return raw
    white_matter = white_matter_at(index_to_atlas, raw.shape, space)
    return favour_white_matter(raw, white_matter, elsewhere=settings.outside_white_matter)
