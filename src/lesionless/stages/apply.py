"""Run a model on one prepared scan: reconstruction and standardised score."""

from dataclasses import dataclass

import numpy as np

from lesionless.arrays import Slices
from lesionless.models.bundle import Bundle
from lesionless.preprocess.prepared import PreparedScan
from lesionless.scoring.normative import Normative
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
    raw = score(scan.image, reconstruction, scan.brain, settings)
    normative = Normative(bundle.normative["centre"], bundle.normative["spread"])
    inside = scored(scan.brain, settings)
    return normative.standardise(raw, inside, scan.geometry.index_to_atlas)
