"""Run a model on one prepared scan: reconstruction and standardised score."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from lesionless.arrays import SliceMask, Slices
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
        reconstruction: (slice, row, column) in [0, 1].
        score: (slice, row, column), 0 outside the brain; `apply` gives it in units of the normals'
            spread.
    """

    reconstruction: Slices
    score: Slices


def apply(bundle: Bundle, scan: PreparedScan, rebuild: Rebuild) -> ScoredScan:
    """Reconstruct and score one prepared scan; both are 0 outside the brain."""
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

    Where other planes have a say (`ScoreSettings.all_planes`), the reconstruction is the mean of
    what each plane gives, and the score the geometric mean: what is lesion is so in all planes.

    Args:
        scan: A prepared scan.
        rebuild: How the model rebuilds slices.
        settings: See `ScoreSettings`.
        space: Of the atlas, for the map of white matter.
        wanted: The slices that are scored; the others are 0, and their scores have no say in their
            neighbours'. In other planes every slice that crosses one of them is rebuilt, as it is.
            None for all.

    Raises:
        UsageError: The score leans on a map of white matter that the space does not have.
    """
    kept = np.ones(len(scan.image), dtype=bool) if wanted is None else wanted
    here = kept[:, np.newaxis, np.newaxis]
    counted = scored(scan.brain, settings) & here
    seen = [_in_one_plane(scan, rebuild, settings, kept, counted)]
    whole = replace(settings, erosion_pixels=0)  # what is eroded counts in no plane
    for turn in turns(scan) if settings.all_planes else ():
        crossing = np.asarray(turn.there(scan.brain & here).any(axis=(1, 2)))
        made = _in_one_plane(turn.scan(scan), rebuild, whole, crossing, turn.there(counted))
        seen.append(ScoredScan(turn.back(made.reconstruction), turn.back(made.score)))
    reconstruction = np.mean([made.reconstruction for made in seen], axis=0)
    raw = np.prod([made.score for made in seen], axis=0) ** (1 / len(seen))
    if settings.outside_white_matter != 1:
        white_matter = white_matter_at(scan.geometry.index_to_atlas, raw.shape, space)
        raw = favour_white_matter(raw, white_matter, elsewhere=settings.outside_white_matter)
    return ScoredScan(reconstruction * here, raw)


def _in_one_plane(
    scan: PreparedScan,
    rebuild: Rebuild,
    settings: ScoreSettings,
    wanted: Bool[np.ndarray, " slice"],
    counted: SliceMask,
) -> ScoredScan:
    """Rebuild and score a scan as its slices show it; what does not count has no say in it."""
    reconstruction = rebuild(scan, wanted)
    slice_mm = float(np.linalg.norm(scan.geometry.index_to_atlas[:3, 0]))
    alone = score(scan.image, reconstruction, scan.brain, settings)
    image = np.where(counted, scan.image, -1)  # darker than all that counts
    reached = reach_across(alone, image, reach=int(settings.reach_mm / slice_mm))
    return ScoredScan(reconstruction, reached * counted)
