"""What the scores of normal scans look like: normative figures and operating points."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from lesionless.arrays import Affine, SliceMask, Slices
from lesionless.errors import UsageError
from lesionless.models.bundle import Bundle
from lesionless.preprocess.atlas import placed_as_mni152
from lesionless.scoring.normative import by_location, overall
from lesionless.scoring.recipe import ScoreSettings, scored
from lesionless.scoring.threshold import operating_points
from lesionless.stages.apply import raw_score
from lesionless.stages.normals import Normals, NormalScan
from lesionless.stages.progress import Track, silent
from lesionless.stages.rebuild import Rebuild

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class NormalScores:
    """Hold the score of a scan's normal slices, not yet standardised.

    Attributes:
        values: The scores, of those pixels alone that have one: many scans are held at once.
        inside: (slice, row, column) where these lie.
        index_to_mni152: From (slice, row, column) to millimetres of MNI152.
    """

    values: Float[np.ndarray, " pixel"]
    inside: SliceMask
    index_to_mni152: Affine

    @property
    def score(self) -> Slices:
        """Return the scores at their places, (slice, row, column); 0 elsewhere."""
        score = np.zeros(self.inside.shape, np.float32)
        score[self.inside] = self.values
        return score


def calibrate(
    bundle: Bundle,
    train: Normals | Sequence[NormalScan],
    held_out: Normals | Sequence[NormalScan],
    *,
    rebuild: Rebuild,
    max_slices: int | None = None,
    track: Track = silent,
) -> Bundle:
    """Return the bundle with normative figures and operating points from normal scans.

    Centre and spread come from the normals that the model was trained on; the source of each
    operating point is told by `OPERATING_POINTS`.

    Args:
        bundle: A model whose network is trained.
        train: The normals it was trained on.
        held_out: Other normals.
        rebuild: How the model rebuilds slices, see `rebuilder`.
        max_slices: At most so many axial slices of either part are scored; for methods that
            search a code for each slice. None for all.
        track: Shows progress.
    """
    settings = ScoreSettings(**bundle.scoring)

    def scores(normals: Normals | Sequence[NormalScan], label: str) -> list[NormalScores]:
        shown = track(_thinned(normals, max_slices), label=label, total=len(normals))
        return list(_scores(shown, rebuild, bundle, settings))

    trained, fresh = scores(train, "calibrate"), scores(held_out, "thresholds")
    fit = by_location if settings.location else overall
    normative = fit((n.score, n.inside, n.index_to_mni152) for n in trained)
    parts = [
        [normative.standardise(n.score, n.inside, n.index_to_mni152)[n.inside] for n in part]
        for part in (trained, fresh)
    ]
    return replace(
        bundle,
        normative={"centre": normative.centre, "spread": normative.spread},
        thresholds=operating_points(*parts),
    )


def check_max_slices(max_slices: int | None) -> None:
    """Refuse to calibrate on no slice, before anything is trained or thrown away.

    Raises:
        UsageError: There would be none.
    """
    if max_slices is not None and max_slices < 1:
        raise UsageError(f"Expected at least one slice to calibrate on, found {max_slices}.")


def _scores(
    normals: Iterable[NormalScan], rebuild: Rebuild, bundle: Bundle, settings: ScoreSettings
) -> Iterator[NormalScores]:
    """Yield the scores of each scan; one without a pixel that has a score is left out and named."""
    space = bundle.prepare["space"]
    for normal in normals:
        scan, kept = normal.scan, normal.is_normal
        inside = scored(scan.brain, settings) & kept[:, np.newaxis, np.newaxis]
        if not inside.any():
            logger.warning("%s is left out: none of its normal pixels has a score", scan.name)
            continue
        raw = raw_score(scan, rebuild, settings, space=space, wanted=kept).score
        place = placed_as_mni152(scan.geometry.index_to_atlas, space)
        yield NormalScores(raw[inside], inside, place)


def _thinned(normals: Iterable[NormalScan], max_slices: int | None) -> Iterable[NormalScan]:
    """Keep at most `max_slices` normal slices, evenly over all of them."""
    if max_slices is None:
        return normals
    scans = list(normals)
    total = sum(int(normal.is_normal.sum()) for normal in scans)
    if total <= max_slices:
        return scans
    chosen = np.zeros(total, dtype=bool)
    chosen[np.linspace(0, total - 1, max_slices).round().astype(int)] = True
    thinned = []
    for normal in scans:
        mine, chosen = np.split(chosen, [int(normal.is_normal.sum())])
        is_normal = normal.is_normal.copy()
        is_normal[is_normal] = mine
        if is_normal.any():
            thinned.append(replace(normal, is_normal=is_normal))
    return thinned
