"""Gates that a brain mask and its registration must pass: figures, limits, sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from lesionless.arrays import Affine, Mask, voxel_mm3
from lesionless.preprocess.canonical import ras_affine, to_ras
from lesionless.preprocess.symmetry import mirror_dice

FULL_HEIGHT_MM = 140.0
"""Field of view, foot to head, from which on a whole brain is expected in it."""

LARGEST_AREA_CM2 = 180.0
"""No axial section of a brain is larger."""


@dataclass(frozen=True)
class Limits:
    """Say what is plausible for one figure.

    Attributes:
        low: Smallest plausible value.
        high: Largest plausible value.
        ideal: The value of a perfect scan.
        meaning: What the figure is, with its unit.
        advice: What a value outside the limits points to.
        is_about_mask: Whether another strip method could mend it.
    """

    low: float
    high: float
    ideal: float
    meaning: str
    advice: str
    is_about_mask: bool = True


GATES = {
    # four standard deviations around the intracranial volumes of adult women and men
    "brain_ml": Limits(
        800,
        2100,
        1400,
        "brain volume in ml",
        "the mask leaves out brain or takes in skull, or the voxel size in the header is wrong",
    ),
    "largest_component": Limits(
        0.95,
        1,
        1,
        "share of the mask in its largest piece",
        "the mask was in pieces",
    ),
    # 0.93 to 0.98 on 77 scans, many with large tumours
    "symmetry": Limits(
        0.92,
        1,
        1,
        "Dice of the mask with its mirror image",
        "the mask leaks or lacks brain on one side",
    ),
    # up to 0.29 on 77 scans of whole brains, whose top slices are often missing
    "cut_share": Limits(
        0,
        0.33,
        0,
        "share of the largest cross-section that lies on a border of the field of view",
        "part of the brain lies outside the scan",
        is_about_mask=False,
    ),
    "registration_dice": Limits(
        0.9,
        1,
        1,
        "Dice of the brain mask with the atlas brain",
        "the scan is not aligned to the atlas, or the mask is wrong",
    ),
    # 0.90 and more on 77 FLAIRs; 0.75 on the T1-weighted MNI152 itself
    "grey_to_white": Limits(
        0.85,
        2,
        1.1,
        "grey matter, times as bright as white matter",
        "a FLAIR is expected, and this looks T1-weighted",
        is_about_mask=False,
    ),
    # 0.95 and less on 77 FLAIRs
    "fluid_to_white": Limits(
        0,
        1.1,
        0.4,
        "fluid in the ventricles, times as bright as white matter",
        "a FLAIR is expected, and this looks T2-weighted",
        is_about_mask=False,
    ),
}
"""Every gate by the name of its figure."""


@dataclass(frozen=True)
class Judgement:
    """Hold the outcome of one gate.

    Attributes:
        name: The figure, a name in `GATES`.
        value: What was found.
        low: Smallest plausible value.
        high: Largest plausible value.
        strain: Distance from the ideal value: 0 there, 1 at the limit, more beyond it.
        sentence: The outcome in words.
    """

    name: str
    value: float
    low: float
    high: float
    strain: float
    sentence: str

    @property
    def passed(self) -> bool:
        """Tell whether the value lies within the limits."""
        return self.low <= self.value <= self.high


def mask_figures(raw_mask: Mask, mask: Mask, affine: Affine) -> dict[str, float]:
    """Measure a brain mask.

    Args:
        raw_mask: (i, j, k) mask as the method gave it.
        mask: (i, j, k) mask after the clean-up.
        affine: (4, 4) from voxel index to millimetres, RAS+.

    Returns:
        The figures of the gates that need no registration, and `field_height_mm`, the field of
        view from foot to head.
    """
    canonical = to_ras(mask, affine)
    height_mm = canonical.shape[2] * np.linalg.norm(ras_affine(mask.shape, affine)[:3, 2])
    voxel_ml = voxel_mm3(affine) / 1000
    n_raw = np.count_nonzero(raw_mask)
    return {
        "brain_ml": float(np.count_nonzero(mask) * voxel_ml),
        "largest_component": float(np.count_nonzero(raw_mask & mask) / n_raw) if n_raw else 0.0,
        "symmetry": mirror_dice(mask, affine),
        "cut_share": _cut_share(canonical),
        "field_height_mm": float(height_mm),
    }


def judge(figures: Mapping[str, float]) -> list[Judgement]:
    """Hold figures against the gates; figures without a gate are passed over.

    Where `field_height_mm` says that the scan is a slab, less brain is expected in it.

    Example:
        >>> judge({"brain_ml": 320.0})[0].passed
        False
    """
    return [
        _judgement(name, figures[name], _limits(name, figures)) for name in GATES if name in figures
    ]


def mask_failures(figures: Mapping[str, float]) -> list[str]:
    """Return the sentences of the failed gates that another strip method could mend."""
    return [
        judgement.sentence
        for judgement in judge(figures)
        if not judgement.passed and GATES[judgement.name].is_about_mask
    ]


def _limits(name: str, figures: Mapping[str, float]) -> Limits:
    limits = GATES[name]
    height_mm = figures.get("field_height_mm", FULL_HEIGHT_MM)
    if name != "brain_ml" or height_mm >= FULL_HEIGHT_MM:
        return limits
    share = height_mm / FULL_HEIGHT_MM
    return replace(
        limits,
        low=limits.low * share,
        high=min(limits.high, LARGEST_AREA_CM2 * height_mm / 10),
        ideal=limits.ideal * share,
    )


def _judgement(name: str, value: float, limits: Limits) -> Judgement:
    limit = limits.low if value < limits.ideal else limits.high
    span = abs(limit - limits.ideal)
    strain = abs(value - limits.ideal) / span if span else float(value != limits.ideal)
    sentence = f"{limits.meaning}: {value:.4g}, expected {limits.low:.3g} to {limits.high:.4g}"
    judgement = Judgement(name, float(value), limits.low, limits.high, float(strain), sentence)
    return (
        judgement
        if judgement.passed
        else replace(judgement, sentence=f"{sentence}; {limits.advice}")
    )


def _cut_share(mask: Mask) -> float:
    """Return the largest share of a cross-section on any face but the lowest (RAS order)."""
    shares = []
    for axis in range(3):
        areas = mask.sum(axis=tuple(other for other in range(3) if other != axis))
        largest = max(1, int(areas.max()))
        shares.append(areas[-1] / largest)
        if axis != 2:  # the brain stem leaves the field of view in most scans
            shares.append(areas[0] / largest)
    return float(max(shares))
