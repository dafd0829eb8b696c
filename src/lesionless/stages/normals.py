"""The slices without lesions of a store: those to learn from, and those for thresholds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from lesionless import store
from lesionless.arrays import SliceMask, Slices
from lesionless.data.participants import Participant, read_participants
from lesionless.data.splits import Split, normal_slices, split_subjects
from lesionless.errors import UsageError
from lesionless.preprocess.atlas import load_atlas
from lesionless.preprocess.grid import range_mm
from lesionless.preprocess.prepared import PreparedScan
from lesionless.stages.prepare import load_settings


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
    """

    margin: int = 2
    val_fraction: float = 0.2
    seed: int = 0
    levels: str = "all"
    every: int = 1
    beside_lesions_mm: float | None = None


@dataclass(frozen=True, eq=False)
class NormalScan:
    """Hold a scan and which of its slices are normal."""

    scan: PreparedScan
    is_normal: Bool[np.ndarray, " slice"]


class Normals:
    """Give the normal scans of one part of a store, read anew at every pass."""

    def __init__(self, folder: Path, part: str, settings: NormalsSettings) -> None:
        self._folder, self._part, self._settings = folder, part, settings
        self._space = load_settings(folder).space
        self._participants = read_participants(folder)
        self._split = split_of(folder, settings)

    def __iter__(self) -> Iterator[NormalScan]:
        """Yield the scans of the part that have normal slices, sorted by name."""
        for path in store.paths(self._folder):
            if self._split.part_of(store.subject_of(path)) == self._part:
                normal = self._normal(store.load(path))
                if normal.is_normal.any():
                    yield normal

    def _normal(self, scan: PreparedScan) -> NormalScan:
        participant = self._participants.get(scan.subject, Participant(scan.subject))
        lesion, beside_mm = scan.lesion, self._settings.beside_lesions_mm
        if beside_mm is not None and lesion is not None and not participant.is_healthy:
            scan = _without_lesions(scan, lesion, beside_mm)
            is_normal = scan.brain.any(axis=(1, 2))
        else:
            is_normal = normal_slices(
                lesion, len(scan.image), participant, margin=self._settings.margin
            )
        return NormalScan(scan, is_normal & in_levels(scan, self._space, self._settings.levels))


def _without_lesions(scan: PreparedScan, lesion: SliceMask, beside_mm: float) -> PreparedScan:
    """Cut the lesions and what lies closer to them than `beside_mm` out of brain and image."""
    spacing_mm = scan.geometry.atlas_spacing_mm
    kept = scan.brain.copy()
    if lesion.any():
        kept &= ndimage.distance_transform_edt(~lesion, sampling=spacing_mm) > beside_mm
    return replace(
        scan,
        name=f"{scan.name}_beside-lesions",  # reconstructions are kept by name
        brain=kept,
        image=scan.image * kept,
        lesion=lesion & kept,
    )


def in_levels(scan: PreparedScan, space: str, levels: str) -> Bool[np.ndarray, " slice"]:
    """Say which slices have their centre at the heights `all`, `mid` or `paper`."""
    low, high = range_mm(load_atlas(space), levels)
    level = scan.geometry.level_mm(np.arange(len(scan.image)))
    return np.asarray((level >= low) & (level < high))


def split_of(folder: Path, settings: NormalsSettings) -> Split:
    """Return which subjects of a store train, validate and test."""
    return split_subjects(
        map(store.subject_of, store.paths(folder)),
        read_participants(folder),
        seed=settings.seed,
        val_fraction=settings.val_fraction,
    )


def stack(normals: Iterable[NormalScan], *, every: int = 1) -> Slices:
    """Return every n-th normal slice of some scans as one (slice, row, column) float32 array.

    Raises:
        UsageError: There is none.
    """
    parts = [normal.scan.image[normal.is_normal][::every] for normal in normals]
    if not parts:
        raise UsageError(
            "Expected slices without lesions to learn from, found none. Give healthy subjects, "
            "reference lesions of patients, or a smaller --margin."
        )
    return np.concatenate(parts)
