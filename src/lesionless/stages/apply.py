"""Run a model on one prepared scan: reconstruction and standardised score."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from lesionless.arrays import Slices
from lesionless.models.bundle import Bundle
from lesionless.preprocess.planes import turns
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
    settings = ScoreSettings(**bundle.scoring)
    raw = raw_score(scan, rebuild, settings, space=bundle.prepare["space"])
    normative = Normative(bundle.normative["centre"], bundle.normative["spread"])
    inside = scored(scan.brain, settings)
    score_map = normative.standardise(raw.score, inside, scan.geometry.index_to_atlas)
    return ScoredScan(raw.reconstruction * scan.brain, score_map)


def raw_score(
    scan: PreparedScan,
    rebuild: Rebuild,
    settings: ScoreSettings,
    *,
    space: str,
    wanted: Bool[np.ndarray, " slice"] | None = None,
) -> ScoredScan:
    """Return the reconstruction of a scan and its score, not yet standardised.

    Where other planes have a say (`ScoreSettings.planes`), the reconstruction is the mean of what
    each plane gives, and the score the geometric mean: what is lesion is lesion in all planes.

    Args:
        scan: A prepared scan.
        rebuild: How the model rebuilds slices.
        settings: See `ScoreSettings`.
        space: Of the atlas, for the map of white matter.
        wanted: The slices that are rebuilt; the others are 0 and have no say in their neighbours.
            None for all.

    Raises:
        UsageError: The score leans on a map of white matter that the space does not have.
    """
    rebuilt = np.ones(len(scan.image), dtype=bool) if wanted is None else wanted
    seen = [_seen(scan, rebuild, settings, rebuilt)]
    for turn in turns(scan) if settings.all_planes else ():
        turned = turn.scan(scan)
        made = _seen(turned, rebuild, settings, np.asarray(turned.brain.any(axis=(1, 2))))
        seen.append(ScoredScan(turn.back(made.reconstruction), turn.back(made.score)))
    reconstruction = np.mean([made.reconstruction for made in seen], axis=0)
    raw = np.prod([made.score for made in seen], axis=0) ** (1 / len(seen))
    if settings.outside_white_matter != 1:
        white_matter = white_matter_at(scan.geometry.index_to_atlas, raw.shape, space)
        raw = favour_white_matter(raw, white_matter, elsewhere=settings.outside_white_matter)
    return ScoredScan(reconstruction * rebuilt[:, np.newaxis, np.newaxis], raw)


def _seen(
    scan: PreparedScan,
    rebuild: Rebuild,
    settings: ScoreSettings,
    rebuilt: Bool[np.ndarray, " slice"],
) -> ScoredScan:
    """Return the reconstruction of a scan, and its score, as its slices show it in one plane."""
    reconstruction = rebuild(scan, rebuilt)
    slice_mm = float(np.linalg.norm(scan.geometry.index_to_atlas[:3, 0]))
    alone = score(scan.image, reconstruction, scan.brain, settings)
    counted = scored(scan.brain, settings) & rebuilt[:, np.newaxis, np.newaxis]
    image = np.where(counted, scan.image, -1)  # darker than all that counts
    reached = reach_across(alone, image, reach=int(settings.reach_mm / slice_mm))
    return ScoredScan(reconstruction, reached * counted)
