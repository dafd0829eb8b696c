"""What the scores of normal scans look like: normative figures and operating points."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lesionless.arrays import Affine, SliceMask, Slices
from lesionless.errors import UsageError
from lesionless.models.bundle import Bundle
from lesionless.preprocess.atlas import placed_as_mni152
from lesionless.scoring.normative import by_location, overall
from lesionless.scoring.recipe import ScoreSettings, scored
from lesionless.scoring.threshold import operating_points
from lesionless.stages.apply import raw_score
from lesionless.stages.normals import NormalScan
from lesionless.stages.rebuild import Rebuild


@dataclass(frozen=True, eq=False)
class NormalScores:
    """Hold the score of a scan's normal slices, not yet standardised.

    Attributes:
        score: (slice, row, column).
        inside: The pixels that have a score.
        index_to_mni152: From (slice, row, column) to millimetres of MNI152.
    """

    score: Slices
    inside: SliceMask
    index_to_mni152: Affine


def calibrate(
    bundle: Bundle,
    train: Iterable[NormalScan],
    held_out: Iterable[NormalScan],
    *,
    rebuild: Rebuild,
    max_slices: int | None = None,
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
    """
    settings = ScoreSettings(**bundle.scoring)
    trained, fresh = (
        [_score(normal, rebuild, bundle, settings) for normal in _thinned(normals, max_slices)]
        for normals in (train, held_out)
    )
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


def _score(
    normal: NormalScan, rebuild: Rebuild, bundle: Bundle, settings: ScoreSettings
) -> NormalScores:
    scan, kept = normal.scan, normal.is_normal
    space = bundle.prepare["space"]
    raw = raw_score(scan, rebuild, settings, space=space, wanted=kept).score
    inside = scored(scan.brain, settings) & kept[:, np.newaxis, np.newaxis]
    return NormalScores(raw, inside, placed_as_mni152(scan.geometry.index_to_atlas, space))


def _thinned(normals: Iterable[NormalScan], max_slices: int | None) -> Sequence[NormalScan]:
    """Keep at most `max_slices` normal slices, evenly over all of them."""
    scans = list(normals)
    total = sum(int(normal.is_normal.sum()) for normal in scans)
    if max_slices is None or total <= max_slices:
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
