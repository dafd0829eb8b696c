"""From image and reconstruction to a score map: the steps and their settings."""

import math
from dataclasses import dataclass

from lesionless.arrays import SliceMask, Slices
from lesionless.errors import UsageError, check_choice
from lesionless.scoring.filters import ACROSS_SLICES, FILTERS, erode
from lesionless.scoring.residual import RESIDUALS, equalise

_LEAST = {
    "filter_size": 1,
    "erosion_pixels": 0,
    "reach_mm": 0,
    "outside_white_matter": 0,
    "min_lesion_mm3": 0,
}


@dataclass(frozen=True)
class ScoreSettings:
    """Say how a score map is made; docs/paper.md gives the reason of each default.

    Attributes:
        residual: A key of `RESIDUALS`.
        times_equalised: Whether the residual is multiplied by the equalised intensity, the prior
            that lesions are bright on FLAIR.
        times_intensity: Whether it is multiplied by the intensity itself, the same prior in a
            milder form: normal tissue has one level in all prepared scans.
        filter: A key of `FILTERS`.
        filter_size: Window of the filter in pixels.
        erosion_pixels: Layers taken off the brain mask.
        location: Whether scores are standardised by place in the atlas or overall.
        reach_mm: How far across the slices of a plane, in millimetres of the atlas, a score leans
            on brighter places, see `reach_across`; 0 leaves every slice to itself, and so it is
            with axial slices that are farther apart.
        all_planes: Whether scans are scored in coronal and sagittal slices too, see `turns`.
        outside_white_matter: Factor of the score where the atlas has no white matter; 1 leaves the
            place out of it.
        min_lesion_mm3: Smaller components of a segmentation are dropped.

    Raises:
        UsageError: There is no such residual or filter, or a number is out of its range.
    """

    residual: str = "absolute"
    times_equalised: bool = False
    times_intensity: bool = False
    filter: str = "median-2d"
    filter_size: int = 5
    erosion_pixels: int = 0
    location: bool = False
    reach_mm: float = 0.0
    all_planes: bool = False
    outside_white_matter: float = 1.0
    min_lesion_mm3: float = 8.0  # Baur et al. 2021 drop components of at most 7 voxels of 1 mm

    def __post_init__(self) -> None:
        check_choice("residual", self.residual, RESIDUALS)
        check_choice("filter", self.filter, FILTERS)
        for name, least in _LEAST.items():
            if not least <= getattr(self, name) < math.inf:
                raise UsageError(
                    f"Expected a finite {name} of at least {least}, found {getattr(self, name)}. "
                    "Correct the setting."
                )


def score(
    image: Slices, reconstruction: Slices, brain: SliceMask, settings: ScoreSettings
) -> Slices:
    """Return the filtered residual, 0 outside the (eroded) brain, not yet standardised.

    Source: Baur et al. 2018, "Anomaly Detection", steps 1 and 2.
    """
    residual = RESIDUALS[settings.residual](image, reconstruction, brain)
    if settings.times_equalised:
        residual = residual * equalise(image, brain)
    if settings.times_intensity:
        residual = residual * image
    filtered = FILTERS[settings.filter](residual, size=settings.filter_size)
    return filtered * scored(brain, settings)


def filtered_with(settings: ScoreSettings) -> int:
    """Return how many slices either way have a say in a slice's filtered score."""
    return settings.filter_size // 2 if settings.filter in ACROSS_SLICES else 0


def scored(brain: SliceMask, settings: ScoreSettings) -> SliceMask:
    """Return the pixels that receive a score: the brain without its eroded rim."""
    return erode(brain, pixels=settings.erosion_pixels)
