"""Whether an aligned scan looks like a FLAIR: how its grey matter and fluid compare with white."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from scipy import ndimage

from lesionless.arrays import Affine, SliceMask, Slices
from lesionless.data.mni152 import mni152_map
from lesionless.preprocess.atlas import MNI152_NAME, Atlas
from lesionless.preprocess.quality import judge
from lesionless.preprocess.register import atlas_mask

FLAIR = "FLAIR"
FIGURES = ("grey_to_white", "fluid_to_white")

REGION_MM = 2
WHITE, GREY, NEITHER = 0.9, 0.75, 0.35  # shares of tissue in the atlas
WHITE_DEPTH_MM, FLUID_DEPTH_MM = 8.0, 22.0  # below the brain's surface: ventricles, not sulci
FEWEST = 100


def contrast_figures(
    image: Slices, brain: SliceMask, index_to_atlas: Affine, atlas: Atlas
) -> dict[str, float]:
    """Compare grey matter and the ventricles with white matter, at their places in the atlas.

    The fluid is its lower quartile, since ventricles are narrow and an affine map does not meet
    them everywhere.

    Args:
        image: (slice, row, column) prepared image.
        brain: (slice, row, column) brain mask.
        index_to_atlas: From prepared index to atlas millimetres.
        atlas: The atlas; its tissues are known for MNI152 only.

    Returns:
        `grey_to_white` and `fluid_to_white`; nothing where the scan holds too little of a tissue.
    """
    if atlas.name != MNI152_NAME:
        return {}
    to_index = np.linalg.inv(index_to_atlas)
    found = {name: _values(image, brain, to_index, mm) for name, mm in _regions(atlas).items()}
    white = float(np.median(found["white"])) if found["white"].size else 0.0
    if min(map(len, found.values())) < FEWEST or white <= 0:
        return {}
    return {
        "grey_to_white": float(np.median(found["grey"])) / white,
        "fluid_to_white": float(np.quantile(found["fluid"], 0.25)) / white,
    }


def contrast_doubts(figures: Mapping[str, float]) -> list[str]:
    """Return why a scan can hardly be a FLAIR; a sentence each.

    Example:
        >>> contrast_doubts({"grey_to_white": 1.1, "fluid_to_white": 0.3})
        []
    """
    contrasts = {name: figures[name] for name in FIGURES if name in figures}
    return [judgement.sentence for judgement in judge(contrasts) if not judgement.passed]


def _values(image: Slices, brain: SliceMask, to_index: Affine, places_mm: np.ndarray) -> np.ndarray:
    """Return the brain's values at the pixels nearest to (n, 3) places in the atlas."""
    index = np.rint(places_mm @ to_index[:3, :3].T + to_index[:3, 3]).astype(np.intp)
    index = index[np.all((index >= 0) & (index < image.shape), axis=1)]
    values, inside = image[tuple(index.T)], brain[tuple(index.T)]
    return np.asarray(values[inside])


@lru_cache(maxsize=2)
def _regions(atlas: Atlas) -> dict[str, np.ndarray]:
    """Return (n, 3) places of deep white matter, grey matter and ventricles, in atlas mm."""
    every = (slice(None, None, REGION_MM),) * 3
    (grey_map, fine), (white_map, _) = mni152_map("gm"), mni152_map("wm")
    grey, white = grey_map[every], white_map[every]
    affine = fine @ np.diag([REGION_MM, REGION_MM, REGION_MM, 1])
    brain = atlas_mask(grey.shape, affine, atlas)
    depth_mm = ndimage.distance_transform_edt(brain, sampling=REGION_MM)
    regions = {
        "white": (white > WHITE) & (depth_mm > WHITE_DEPTH_MM),
        "grey": grey > GREY,
        "fluid": (grey + white < NEITHER) & (depth_mm > FLUID_DEPTH_MM),
    }
    return {
        name: np.argwhere(region) @ affine[:3, :3].T + affine[:3, 3]
        for name, region in regions.items()
    }
