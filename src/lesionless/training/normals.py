"""Which slices count as normal, and which of them are learnt from: the settings."""

import math
from dataclasses import dataclass

from lesionless.errors import UsageError
from lesionless.preprocess.grid import check_slices


@dataclass(frozen=True)
class NormalsSettings:
    """Say which slices count as normal.

    Attributes:
        margin: Slices on either side that must be free of lesions too.
        val_fraction: Share of the subjects kept for thresholds where the cohort gives no split.
        seed: Of that split.
        levels: `all`, `mid` or `paper`: which heights are used of what the store holds.
        every: Learn from every n-th normal slice of a scan; thresholds are set on all.
        beside_lesions_mm: Where given, slices with lesions stay, without the tissue that lies
            closer than this to a lesion; `margin` then plays no part.

    Raises:
        UsageError: A number is out of its range, or there are no such levels.
    """

    margin: int = 2
    val_fraction: float = 0.2
    seed: int = 0
    levels: str = "all"
    every: int = 1
    beside_lesions_mm: float | None = None

    def __post_init__(self) -> None:
        check_slices(self.levels)
        if self.margin < 0 or self.every < 1 or self.seed < 0:
            raise UsageError(
                "Expected a margin and a seed of at least 0 and every n-th slice from n = 1, found "
                f"a margin of {self.margin}, the seed {self.seed} and every = {self.every}."
            )
        if not 0 <= self.val_fraction < 1:
            raise UsageError(
                f"Expected a share of subjects for thresholds in [0, 1), found {self.val_fraction}."
            )
        beside_mm = self.beside_lesions_mm
        if beside_mm is not None and not 0 <= beside_mm < math.inf:
            raise UsageError(
                f"Expected a distance from lesions of at least 0 mm, found {beside_mm} mm."
            )
