"""Run a model on one prepared scan: reconstruction and standardised score."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool
from scipy.ndimage import binary_dilation

from lesionless.arrays import SliceMask, Slices
from lesionless.models.bundle import Bundle
from lesionless.preprocess.atlas import placed_as_mni152
from lesionless.preprocess.planes import turns
from lesionless.preprocess.prepared import PreparedScan
from lesionless.preprocess.white_matter import white_matter_at
from lesionless.scoring.filters import fill_between, reach_across
from lesionless.scoring.normative import Normative
from lesionless.scoring.prior import favour_white_matter
from lesionless.scoring.recipe import ScoreSettings, filtered_with, score, scored
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

    Where other planes have a say (`ScoreSettings.all_planes`), it is that of the axial slices as
    much as of the others: the geometric mean, in which these count twice. What is lesion is so in
    all planes. The reconstruction is that of the axial slices.

    Args:
        scan: A prepared scan.
        rebuild: How the model rebuilds slices.
        settings: See `ScoreSettings`.
        space: Of the atlas, for the map of white matter.
        wanted: The slices that are scored; the others are 0. A filter that looks across slices sees
            those beside them, `reach_mm` does not. In other planes slices that cross one of them
            are rebuilt as they are. None for all.

    Raises:
        UsageError: The score leans on a map of white matter that the space does not have.
    """
    kept = np.ones(len(scan.image), dtype=bool) if wanted is None else wanted
    here = kept[:, np.newaxis, np.newaxis]
    counted = scored(scan.brain, settings) & here
    made = _in_axial_slices(scan, rebuild, settings, kept, counted)
    others = list(_in_other_planes(scan, rebuild, settings, here, counted))
    if others:
        made = replace(made, score=np.sqrt(made.score * np.sqrt(np.prod(others, axis=0))))
    if settings.outside_white_matter == 1:
        return made
    white_matter = white_matter_at(scan.geometry.index_to_atlas, made.score.shape, space)
    favoured = favour_white_matter(
        made.score, white_matter, elsewhere=settings.outside_white_matter
    )
    return replace(made, score=favoured)


def _in_axial_slices(
    scan: PreparedScan,
    rebuild: Rebuild,
    settings: ScoreSettings,
    kept: Bool[np.ndarray, " slice"],
    counted: SliceMask,
) -> ScoredScan:
    """Rebuild and score the slices that are kept; what does not count has no say in the others."""
    across = np.ones(2 * filtered_with(settings) + 1, dtype=bool)
    reconstruction = rebuild(scan, binary_dilation(kept, across))
    alone = score(scan.image, reconstruction, scan.brain, settings)
    image = np.where(counted, scan.image, -1)  # darker than all that counts
    leaning = reach_across(alone, image, reach=_reach(scan, settings))
    return ScoredScan(reconstruction * kept[:, np.newaxis, np.newaxis], leaning * counted)


def _in_other_planes(
    scan: PreparedScan,
    rebuild: Rebuild,
    settings: ScoreSettings,
    here: Bool[np.ndarray, "slice 1 1"],
    counted: SliceMask,
) -> Iterator[Slices]:
    """Yield the score that coronal and sagittal slices give to what counts, as axial slices.

    Every second slice that crosses the wanted ones is rebuilt, at a glance; the others get what
    those beside them have.
    """
    image = np.where(counted, scan.image, -1)
    whole = replace(settings, erosion_pixels=0)  # what is eroded counts in no plane
    for turn in turns(scan) if settings.all_planes else ():
        turned = turn.scan(scan)
        seen = np.asarray(np.swapaxes(scan.brain & here, 0, turn.axis).any(axis=(1, 2)))
        seen[1::2] = False
        rebuilt = rebuild(turned, seen, glance=True)
        alone = np.zeros_like(rebuilt)
        alone[seen] = score(turned.image[seen], rebuilt[seen], turned.brain[seen], whole)
        # Only what lies in the scan's own slices is of use, where slices of the plane are rows
        across, counts, beside = (
            np.swapaxes(stack, 0, turn.axis) for stack in (turn.back(alone), counted, image)
        )
        filled = fill_between(across, seen, counts)
        leaning = reach_across(filled, beside, reach=_reach(turned, settings))
        yield np.swapaxes(leaning, 0, turn.axis)


def _reach(scan: PreparedScan, settings: ScoreSettings) -> int:
    """Return how many slices off has a say; rounding in the geometry does not count."""
    return int(settings.reach_mm / scan.geometry.atlas_spacing_mm[0] + 1e-6)
