"""Run a model on one prepared scan: reconstruction and standardised score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from lesionless.arrays import SliceMask, Slices
from lesionless.models.bundle import Bundle
from lesionless.preprocess.atlas import placed_as_mni152
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
    space = bundle.prepare["space"]
    raw = raw_score(scan, rebuild, settings, space=space)
    normative = Normative(bundle.normative["centre"], bundle.normative["spread"])
    inside = scored(scan.brain, settings)
    place = placed_as_mni152(scan.geometry.index_to_atlas, space)
    score_map = normative.standardise(raw.score, inside, place)
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
    made = _in_one_plane(scan, rebuild, settings, kept, counted)
    if settings.all_planes:
        made = _joined([made, *_in_other_planes(scan, rebuild, settings, here, counted)])
    if settings.outside_white_matter == 1:
        return made
    white_matter = white_matter_at(scan.geometry.index_to_atlas, made.score.shape, space)
    favoured = favour_white_matter(
        made.score, white_matter, elsewhere=settings.outside_white_matter
    )
    return replace(made, score=favoured)


def _joined(planes: Sequence[ScoredScan]) -> ScoredScan:
    """Return the mean reconstruction and the geometric mean of the scores."""
    reconstruction = np.mean([made.reconstruction for made in planes], axis=0)
    score_map = np.prod([made.score for made in planes], axis=0) ** (1 / len(planes))
    return ScoredScan(reconstruction, score_map)


def _in_other_planes(
    scan: PreparedScan,
    rebuild: Rebuild,
    settings: ScoreSettings,
    here: Bool[np.ndarray, "slice 1 1"],
    counted: SliceMask,
) -> Iterator[ScoredScan]:
    """Yield what coronal and sagittal slices that cross the wanted ones show, as axial slices."""
    whole = replace(settings, erosion_pixels=0)  # what is eroded counts in no plane
    for turn in turns(scan):
        crossing = np.asarray(turn.there(scan.brain & here).any(axis=(1, 2)))
        made = _in_one_plane(turn.scan(scan), rebuild, whole, crossing, turn.there(counted))
        yield ScoredScan(turn.back(made.reconstruction) * here, turn.back(made.score))


def _in_one_plane(
    scan: PreparedScan,
    rebuild: Rebuild,
    settings: ScoreSettings,
    wanted: Bool[np.ndarray, " slice"],
    counted: SliceMask,
) -> ScoredScan:
    """Rebuild and score a scan as its slices show it; what does not count has no say in it."""
    reconstruction = rebuild(scan, wanted)
    slice_mm = scan.geometry.atlas_spacing_mm[0]
    alone = score(scan.image, reconstruction, scan.brain, settings)
    image = np.where(counted, scan.image, -1)  # darker than all that counts
    reached = reach_across(alone, image, reach=int(settings.reach_mm / slice_mm))
    return ScoredScan(reconstruction, reached * counted)
