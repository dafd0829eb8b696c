"""What is judged: one method's map and masks on one scan, beside the reference."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lesionless.arrays import Mask, Volume
from lesionless.errors import ScanError

WHOLE = "all"
"""Name of the region that is the whole brain."""


@dataclass(frozen=True, eq=False)
class Case:
    """Hold one method's result on one scan, and the reference; all arrays on one grid.

    Attributes:
        subject: The subject, without `sub-`; the unit of every interval and test.
        name: The scan; a subject may have several, which are averaged first.
        method: The method whose result this is.
        score: (i, j, k) float32 anomaly score, higher is more anomalous; finite inside the brain.
        brain: (i, j, k) brain mask; nothing outside of it is judged.
        lesion: (i, j, k) reference lesions, empty for a healthy scan, None where none is known.
        segmentations: From the name of an operating point to the mask (i, j, k) that it gives.
        spacing_mm: Voxel size along each axis.
        regions: From a name to the part of the grid (i, j, k) that is judged apart, for example
            `mid` slices.
        tissues: From a name to a mask (i, j, k) whose segmented share is reported, for example
            normal tissue, or normal periventricular hyperintensity.
        seed: Seed of the training run, where there are several.

    Raises:
        ScanError: Shapes differ, the brain mask is empty, or the score is not finite inside it.
    """

    subject: str
    name: str
    method: str
    score: Volume
    brain: Mask
    lesion: Mask | None
    segmentations: Mapping[str, Mask]
    spacing_mm: tuple[float, float, float]
    regions: Mapping[str, Mask] = field(default_factory=dict)
    tissues: Mapping[str, Mask] = field(default_factory=dict)
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check shapes and values once, so that the metrics can trust them."""
        self._check_shapes()
        self._check_values()

    @property
    def is_healthy(self) -> bool:
        """Return True when the reference is known and empty inside the brain."""
        return self.lesion is not None and not np.any(self.lesion & self.brain)

    @property
    def truth(self) -> str:
        """Return `lesion`, `healthy` or `unknown`."""
        if self.lesion is None:
            return "unknown"
        return "healthy" if self.is_healthy else "lesion"

    @property
    def voxel_ml(self) -> float:
        """Return the volume of a voxel in millilitres."""
        return float(np.prod(self.spacing_mm)) / 1000

    def inside(self, region: str) -> Mask:
        """Return the brain voxels (i, j, k) of a region; `all` is the whole brain."""
        return self.brain if region == WHOLE else self.brain & self.regions[region]

    def _masks(self) -> dict[str, Mask]:
        masks = {"brain mask": self.brain}
        if self.lesion is not None:
            masks["lesion mask"] = self.lesion
        for kind in ("segmentations", "regions", "tissues"):
            masks |= {f"{kind[:-1]} {name!r}": mask for name, mask in getattr(self, kind).items()}
        return masks

    def _check_shapes(self) -> None:
        if self.score.ndim != 3:
            raise self._error("a score map with 3 axes", f"shape {self.score.shape}")
        for name, mask in self._masks().items():
            if mask.shape != self.score.shape:
                raise self._error(
                    f"a {name} of shape {self.score.shape} like the score map",
                    f"{mask.shape}. Resample it to the map's grid",
                )
            if mask.dtype != np.bool_:
                raise self._error(f"a boolean {name}", f"{mask.dtype}. Give `mask > 0`")
        if WHOLE in self.regions:
            raise self._error("region names other than 'all', the whole brain", "'all'")

    def _check_values(self) -> None:
        if not self.brain.any():
            raise self._error("a brain mask with voxels in it", "an empty one")
        n_bad = int(np.count_nonzero(~np.isfinite(self.score) & self.brain))
        if n_bad:
            raise self._error(
                "finite scores inside the brain", f"{n_bad} voxels that are NaN or infinite"
            )
        if min(self.spacing_mm) <= 0:
            raise self._error("positive voxel sizes in mm", str(self.spacing_mm))

    def _error(self, expected: str, found: str) -> ScanError:
        return ScanError(f"{self.name} ({self.method}): expected {expected}, found {found}.")
