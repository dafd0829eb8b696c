"""The slices without lesions of a store: those to learn from, and those for thresholds."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from lesionless import store
from lesionless.arrays import SliceMask, Slices
from lesionless.data.participants import Participant, read_participants
from lesionless.data.splits import Split, name_without_mask, normal_slices, split_subjects
from lesionless.errors import UsageError
from lesionless.preprocess.atlas import load_atlas
from lesionless.preprocess.grid import range_mm
from lesionless.preprocess.prepared import PreparedScan
from lesionless.stages.store_settings import check_unmixed, load_settings
from lesionless.training.normals import NormalsSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class NormalScan:
    """Hold a scan and which of its slices are normal.

    Attributes:
        scan: The scan, without the tissue that does not count.
        is_normal: Which slices count.
        is_healthy: Whether the subject is known to be healthy.
    """

    scan: PreparedScan
    is_normal: Bool[np.ndarray, " slice"]
    is_healthy: bool = False


class Normals:
    """Give the normal scans of one part of a store, read anew at every pass.

    Subjects without a lesion mask who are not known to be healthy are named at the first pass.

    Attributes:
        folder: The store.
        settings: As given.
        subjects: Labels of the part's subjects.
    """

    def __init__(self, folder: Path, part: str, settings: NormalsSettings) -> None:
        self.folder, self.settings = folder, settings
        self._part = part
        self.subjects = getattr(split_of(folder, settings), part)
        self._prepared = load_settings(folder)
        self._participants = read_participants(folder)
        self._named: set[str] = set()

    def __iter__(self) -> Iterator[NormalScan]:
        """Yield the scans of the part that have normal slices, sorted by name."""
        for path in store.paths(self.folder):
            if store.subject_of(path) in self.subjects:
                scan = store.load(path)
                check_unmixed(path, scan.record, self._prepared)
                normal = self._normal(scan)
                if normal.is_normal.any():
                    yield normal

    def __len__(self) -> int:
        """Return how many scans the part has; some may have no normal slice."""
        return sum(store.subject_of(path) in self.subjects for path in store.paths(self.folder))

    @property
    def are_named(self) -> bool:
        """Say whether participants.tsv puts the subjects into the part: no share was drawn."""
        found = (self._participants.get(subject) for subject in self.subjects)
        return all(participant and participant.split == self._part for participant in found)

    def _normal(self, scan: PreparedScan) -> NormalScan:
        participant = self._participants.get(scan.subject, Participant(scan.subject))
        lesion, beside_mm = scan.lesion, self.settings.beside_lesions_mm
        if lesion is None and not participant.is_healthy and scan.subject not in self._named:
            self._named.add(scan.subject)
            name_without_mask(participant)
        if beside_mm is not None and lesion is not None and not participant.is_healthy:
            scan = _without_lesions(scan, lesion, beside_mm)
            is_normal = scan.brain.any(axis=(1, 2))
        else:
            is_normal = normal_slices(
                lesion, len(scan.image), participant, margin=self.settings.margin
            )
        is_normal = is_normal & in_levels(scan, self._prepared.space, self.settings.levels)
        return NormalScan(scan, is_normal, participant.is_healthy)


def _without_lesions(scan: PreparedScan, lesion: SliceMask, beside_mm: float) -> PreparedScan:
    """Cut the lesions and what lies closer to them than `beside_mm` out of brain and image."""
    spacing_mm = scan.geometry.atlas_spacing_mm
    kept = scan.brain.copy()
    if lesion.any():
        kept &= ndimage.distance_transform_edt(~lesion, sampling=spacing_mm) > beside_mm
    return replace(
        scan,
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


def check_held_out(held_out: Normals) -> None:
    """Refuse a store without normals that set thresholds, before anything is trained.

    Raises:
        UsageError: No subject is held back, or none of those who are has a normal slice.
    """
    if next(iter(held_out), None) is None:
        who = ", ".join(f"sub-{label}" for label in held_out.subjects) or "nobody"
        raise UsageError(
            f"{held_out.folder}: expected slices without lesions of subjects that are held back to "
            f"set thresholds, found none; held back: {who}. Give a larger --val-fraction, name "
            "healthy subjects with the split val in participants.tsv, or give a smaller --margin."
        )
    logger.info(
        "%s: %d subjects are held back to set thresholds", held_out.folder, len(held_out.subjects)
    )
    if held_out.are_named and held_out.settings.val_fraction != NormalsSettings.val_fraction:
        logger.warning(
            "%s: participants.tsv says who is held back; --val-fraction plays no part",
            held_out.folder,
        )


def digest(folder: Path) -> str:
    """Return a hash of the scans of a store and of what participants.tsv says of their subjects.

    Two stores of one hash give the same normals, the same settings provided.
    """
    participants = read_participants(folder)
    lines = []
    for path in store.paths(folder):
        who = participants.get(store.subject_of(path))
        known = f"{who.group} {who.split}" if who else "not listed"
        lines.append(f"{path.name} {known} {store.checksum(path)}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def stack(
    normals: Iterable[NormalScan], *, every: int = 1, tally: Counter[str] | None = None
) -> Slices:
    """Return every n-th normal slice of some scans as one (slice, row, column) float32 array.

    Args:
        normals: The scans.
        every: See `NormalsSettings`.
        tally: Receives how many slices are of subjects known to be `healthy`, how many of `others`.

    Raises:
        UsageError: There is none.
    """
    parts = []
    for normal in normals:
        parts.append(normal.scan.image[normal.is_normal][::every])
        if tally is not None:
            tally["healthy" if normal.is_healthy else "others"] += len(parts[-1])
    if not parts:
        raise UsageError(
            "Expected slices without lesions to learn from, found none. Give healthy subjects, "
            "reference lesions of patients, or a smaller --margin."
        )
    return np.concatenate(parts)
