"""FLAIR contrast: from the tissue at a point to its signal, white matter near 1."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lesionless.data.phantom.deformation import Range

Points = Float[np.ndarray, " n"]
"""A value at each point inside the brain."""

# mean T1-weighted intensity of pure tissue in the MNI152 maps
_T1_WHITE, _T1_GREY, _T1_FLUID = 0.87, 0.65, 0.28
# a valley that is brighter than the first lies between tracts, darker than the second between gyri
_T1_TRACT, _T1_GYRUS = 0.74, 0.66


@dataclass(frozen=True)
class Contrast:
    """Say how much the signal of tissue differs between scans; every range is uniform.

    Signals are relative to white matter.

    Attributes:
        grey: Signal of grey matter.
        fluid: Signal of CSF.
        texture: How strongly T1 detail inside a tissue shows, inverted, as in nuclei and tracts.
        variation: Spread of the slow normal variation of tissue.
        cap: Extra signal of the normal caps and bands at the ventricles.
        sulcus: Depth of a T1 valley from which on it is all CSF; lower gives wider sulci.
        sharpness: Exponent that sharpens tissue fractions; higher gives crisper borders.
    """

    grey: Range = (1.17, 1.38)
    fluid: Range = (0.12, 0.30)
    texture: Range = (0.6, 1.4)
    variation: Range = (0.015, 0.04)
    cap: Range = (0.05, 0.40)
    sulcus: Range = (0.10, 0.28)
    sharpness: Range = (1.5, 3.0)


@dataclass(frozen=True, eq=False)
class TissueAt:
    """Hold the average anatomy at points; see `Tissue` and `Regions`."""

    grey: Points
    white: Points
    t1: Points
    sulcus: Points
    cap: Points


@dataclass(frozen=True, eq=False)
class Signal:
    """Hold the lesion-free signal and the sharpened tissue at points.

    Attributes:
        healthy: Signal without lesions, white matter near 1.
        white: Fraction of white matter after sharpening.
        fluid_level: The scan's signal of CSF.
    """

    healthy: Points
    white: Points
    fluid_level: float


def flair_signal(
    generator: np.random.Generator,
    tissue: TissueAt,
    variation: Float[np.ndarray, "2 n"],
    *,
    contrast: Contrast,
) -> Signal:
    """Turn tissue into FLAIR signal.

    Args:
        generator: Source of the scan's own contrast.
        tissue: The anatomy at n points.
        variation: Two smooth normal fields of spread 1 at the points: one for the signal of tissue,
            one for the width of sulci and the signal of CSF.
        contrast: How much scans differ.
    """
    draw = generator.uniform
    fluid, grey, white = _fractions(
        tissue, draw(*contrast.sulcus) * np.exp(0.4 * variation[1]), draw(*contrast.sharpness)
    )
    fluid_level, grey_level = draw(*contrast.fluid), draw(*contrast.grey)
    solid = grey_level * grey + white
    solid *= 1 + draw(*contrast.variation) * variation[0]
    solid -= draw(*contrast.texture) * _detail(tissue) * (1 - fluid)
    solid += draw(*contrast.cap) * tissue.cap * white
    # CSF that flows is never quite dark: it varies more than tissue does
    dark = fluid_level * fluid * np.exp(0.3 * variation[1])
    healthy = np.clip(solid + dark, 0.5 * fluid_level, None)
    return Signal(healthy=healthy, white=white, fluid_level=float(fluid_level))


def _detail(tissue: TissueAt) -> Points:
    """Return the T1 intensity that the tissue maps do not explain: nuclei, tracts, folia."""
    fluid = 1 - tissue.grey - tissue.white
    return tissue.t1 - (_T1_FLUID * fluid + _T1_GREY * tissue.grey + _T1_WHITE * tissue.white)


def _fractions(tissue: TissueAt, sulcus: Points, sharpness: float) -> tuple[Points, Points, Points]:
    """Return the fractions of CSF, grey and white matter, which sum to 1."""
    by_map = np.clip(1 - tissue.grey - tissue.white, 0, 1)
    is_cortical = np.clip((_T1_TRACT - tissue.t1) / (_T1_TRACT - _T1_GYRUS), 0, 1)
    by_valley = np.clip(tissue.sulcus / sulcus, 0, 1) * is_cortical
    fluid = np.maximum(by_map, by_valley)
    grey, white = (
        (part + np.float32(1e-3)) ** np.float32(sharpness) for part in (tissue.grey, tissue.white)
    )
    white *= (1 - fluid) / (grey + white)
    return fluid, 1 - fluid - white, white
