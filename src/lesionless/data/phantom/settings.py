"""Everything that can be chosen about phantoms, in one value."""

from dataclasses import dataclass, field

from lesionless.data.phantom.acquisition import Acquisition
from lesionless.data.phantom.contrast import Contrast
from lesionless.data.phantom.deformation import Shape
from lesionless.data.phantom.lesions import Lesions
from lesionless.data.phantom.skull import Skull


@dataclass(frozen=True)
class PhantomSettings:
    """Hold everything that can be chosen about phantoms.

    Attributes:
        shape: How much heads differ.
        contrast: How much the signal of tissue differs.
        lesions: What lesions look like.
        acquisition: How scans are taken.
        anatomy_mm: Resolution of the average anatomy: 1, 2, or 4 (for tests).
        skull: The head around the brain, or None for a stripped scan.
    """

    shape: Shape = field(default_factory=Shape)
    contrast: Contrast = field(default_factory=Contrast)
    lesions: Lesions = field(default_factory=Lesions)
    acquisition: Acquisition = field(default_factory=Acquisition)
    anatomy_mm: int = 1
    skull: Skull | None = None


DEFAULTS = PhantomSettings()
"""What phantoms look like unless asked otherwise."""

COARSE = PhantomSettings(
    acquisition=Acquisition(matrix=64, in_plane_mm=(3.8, 4.0), thickness_mm=(4.0, 6.0)),
    anatomy_mm=4,
)
"""Phantoms of 64 x 64 pixels a slice, made in a fraction of a second, for tests."""
