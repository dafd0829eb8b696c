"""Lesion counts: which connected components of the reference and of the segmentation meet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np
from scipy import ndimage

from lesionless.arrays import Mask
from lesionless.errors import UsageError
from lesionless.evaluation.box import bounding_box

_NEIGHBOURS: Mapping[int, int] = {6: 1, 18: 2, 26: 3}


@dataclass(frozen=True)
class LesionRules:
    """Say what counts as a lesion and when it counts as found.

    Attributes:
        connectivity: Neighbours that join two voxels to one component: 6, 18 or 26.
        minimum_overlap: A reference lesion is detected when the segmentation covers at least one
            voxel and at least this share of it; a segmented component is true when reference
            lesions cover at least one voxel and at least this share of it. With 0 a single blob
            over the whole brain would detect everything and never be false.
        minimum_mm3: Smaller components are not counted: a small reference lesion is neither
            detected nor missed, and what is segmented on it is not false.
        small_ml: Reference lesions below this volume are small.
        large_ml: Reference lesions of at least this volume are large, those between are medium.

    Raises:
        UsageError: A value is outside its range.
    """

    connectivity: int = 26
    minimum_overlap: float = 0.1
    minimum_mm3: float = 3.0
    small_ml: float = 0.1
    large_ml: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.connectivity not in _NEIGHBOURS:
            raise UsageError(f"Expected connectivity 6, 18 or 26, found {self.connectivity}.")
        if not 0 <= self.minimum_overlap <= 1:
            raise UsageError(
                f"Expected a minimum overlap between 0 and 1, found {self.minimum_overlap}."
            )
        if self.minimum_mm3 < 0 or not 0 <= self.small_ml <= self.large_ml:
            raise UsageError(
                "Expected minimum_mm3 >= 0 and 0 <= small_ml <= large_ml, found "
                f"{self.minimum_mm3}, {self.small_ml} and {self.large_ml}."
            )


@dataclass(frozen=True)
class LesionCounts:
    """Hold the lesion counts of a scan, or of several added up.

    Attributes:
        small: Reference lesions that are small (medium, large likewise).
        medium: See `small`.
        large: See `small`.
        small_detected: Those of them that are detected (medium, large likewise).
        medium_detected: See `small_detected`.
        large_detected: See `small_detected`.
        true: Segmented components that lie on a reference lesion.
        false: Segmented components that do not.
    """

    small: int
    medium: int
    large: int
    small_detected: int
    medium_detected: int
    large_detected: int
    true: int
    false: int

    @property
    def n_lesions(self) -> int:
        """Return the number of reference lesions."""
        return self.small + self.medium + self.large

    @property
    def n_detected(self) -> int:
        """Return the number of detected reference lesions."""
        return self.small_detected + self.medium_detected + self.large_detected


@dataclass(frozen=True, eq=False)
class Reference:
    """Hold the labelled reference lesions, so that many segmentations can be held against them.

    Attributes:
        labels: (i, j, k) component number, 0 outside of the lesions.
        sizes: (component) voxels of each component.
        is_counted: (component) True when it is not below the minimum size.
        volumes_ml: (component) volume of each component.
    """

    labels: np.ndarray
    sizes: np.ndarray
    is_counted: np.ndarray
    volumes_ml: np.ndarray


def label_reference(
    lesion: Mask, *, spacing_mm: tuple[float, float, float], rules: LesionRules
) -> Reference:
    """Find the components of the reference mask (i, j, k)."""
    labels, sizes = label_components(lesion, rules.connectivity)
    volumes_mm3 = sizes * float(np.prod(spacing_mm))
    return Reference(
        labels=labels,
        sizes=sizes,
        is_counted=volumes_mm3 >= rules.minimum_mm3,
        volumes_ml=volumes_mm3 / 1000,
    )


def count_lesions(
    segmentation: Mask,
    reference: Reference,
    *,
    spacing_mm: tuple[float, float, float],
    rules: LesionRules,
) -> LesionCounts:
    """Count detected and missed reference lesions, true and false components of a segmentation.

    Args:
        segmentation: (i, j, k) ours.
        reference: The labelled reference, on the same grid.
        spacing_mm: Voxel size along each axis.
        rules: What counts.
    """
    box = bounding_box(segmentation)
    components, sizes = label_components(segmentation[box], rules.connectivity)
    is_kept = sizes * float(np.prod(spacing_mm)) >= rules.minimum_mm3
    # from here on the segmented voxels alone, in a row
    components = components[segmentation[box]]
    beneath = reference.labels[box][segmentation[box]]
    n_true, n_false = _true_and_false(components, beneath, sizes, is_kept, reference, rules)
    covered = _tally(beneath, _table(is_kept)[components], reference.sizes.size)
    is_detected = _meets(covered, reference.sizes, rules) & reference.is_counted
    classes = {
        "small": reference.volumes_ml < rules.small_ml,
        "large": reference.volumes_ml >= rules.large_ml,
    }
    classes["medium"] = ~classes["small"] & ~classes["large"]
    counted = {name: int(np.sum(of & reference.is_counted)) for name, of in classes.items()}
    detected = {f"{name}_detected": int(np.sum(of & is_detected)) for name, of in classes.items()}
    return LesionCounts(**counted, **detected, true=n_true, false=n_false)


def label_components(mask: Mask, connectivity: int) -> tuple[np.ndarray, np.ndarray]:
    """Number the connected components of a mask.

    Args:
        mask: (i, j, k).
        connectivity: 6, 18 or 26 neighbours.

    Returns:
        (i, j, k) component numbers from 1 on, and (component) their sizes in voxels.
    """
    structure = ndimage.generate_binary_structure(3, _NEIGHBOURS[connectivity])
    labels, n_components = ndimage.label(mask, structure)
    return labels, np.bincount(labels[mask], minlength=n_components + 1)[1:]


def pool(parts: Iterable[LesionCounts]) -> LesionCounts:
    """Add up the counts of several scans."""
    parts = list(parts)
    names = [field.name for field in fields(LesionCounts)]
    return LesionCounts(**{name: sum(getattr(part, name) for part in parts) for name in names})


def _true_and_false(
    components: np.ndarray,
    beneath: np.ndarray,
    sizes: np.ndarray,
    is_kept: np.ndarray,
    reference: Reference,
    rules: LesionRules,
) -> tuple[int, int]:
    """Count true and false components.

    Args:
        components: (voxel) component number of each segmented voxel.
        beneath: (voxel) number of the reference lesion there, 0 for none.
        sizes: (component) voxels of each component.
        is_kept: (component) True when it is not below the minimum size.
        reference: The labelled reference.
        rules: What counts.
    """
    on_any = _tally(components, beneath > 0, sizes.size)
    on_counted = _tally(components, _table(reference.is_counted)[beneath], sizes.size)
    is_true = _meets(on_counted, sizes, rules) & is_kept
    is_excused = _meets(on_any, sizes, rules)
    return int(np.sum(is_true)), int(np.sum(is_kept & ~is_true & ~is_excused))


def _tally(numbers: np.ndarray, where: np.ndarray, n_components: int) -> np.ndarray:
    """Count, per component, the voxels (voxel) that lie inside `where`."""
    return np.bincount(numbers[where], minlength=n_components + 1)[1:]


def _table(flags: np.ndarray) -> np.ndarray:
    """Return a look-up table by component number; number 0 is the background."""
    return np.concatenate([[False], flags])


def _meets(overlap: np.ndarray, sizes: np.ndarray, rules: LesionRules) -> np.ndarray:
    # the small slack keeps 0.1 * 30 from asking for a fourth voxel
    return (overlap > 0) & (overlap >= rules.minimum_overlap * sizes - 1e-9)
