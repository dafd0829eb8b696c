"""A cohort of phantoms as a BIDS data set: healthy people, and patients with known lesions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from lesionless.data.phantom import files
from lesionless.data.phantom.settings import DEFAULTS, PhantomSettings
from lesionless.data.phantom.skull import Skull
from lesionless.data.phantom.subject import phantom_subject
from lesionless.data.processes import pool
from lesionless.errors import UsageError

VAL_SHARE = 0.15
"""Share of the healthy subjects that are put aside for validation."""

THICKNESS_LIMITS_MM = (0.5, 12.0)
"""Thinnest and thickest slices that can be asked for."""

_GROUPS = ("healthy", "patient")


@dataclass(frozen=True)
class CohortSubject:
    """Describe one subject of a cohort; one row of participants.tsv.

    Attributes:
        participant_id: `sub-` and the label.
        group: `healthy` or `patient`.
        split: `train`, `val` (healthy) or `test` (patients).
        lesion_volume_ml: Volume of the lesion mask.
        n_lesions: Number of its components (neighbours share at least a corner).
        thickness_mm: Slice thickness.
    """

    participant_id: str
    group: str
    split: str
    lesion_volume_ml: float
    n_lesions: int
    thickness_mm: float


@dataclass(frozen=True)
class _Order:
    """Say which subject to make, and where."""

    out: Path
    participant_id: str
    group: str
    split: str
    entropy: tuple[int, ...]
    settings: PhantomSettings


def write_cohort(
    out: Path,
    *,
    healthy: int,
    patients: int,
    seed: int,
    skull: bool = False,
    thickness_mm: float | None = None,
    settings: PhantomSettings = DEFAULTS,
    workers: int = 1,
    progress: Callable[[str], None] | None = None,
) -> list[CohortSubject]:
    """Write a cohort of phantoms as a BIDS data set.

    A scan depends on the seed, its group and its number only: a larger cohort of the same seed
    begins with the same scans. The same arguments give the same bytes, whatever `workers` is.

    Args:
        out: Folder to write to: new, empty, or left over from the same call, which then goes on
            where it was stopped.
        healthy: Number of healthy subjects; about 85 % get the split `train`, the others `val`.
        patients: Number of patients; their split is `test`.
        seed: Source of everything that is random, 0 or more.
        skull: Whether the head is around the brain; otherwise the scans are stripped.
        thickness_mm: Slice thickness of all scans, or None to draw it per subject.
        settings: What subjects and scans may look like.
        workers: Number of processes.
        progress: Called with one line per finished subject.

    Returns:
        The subjects, healthy ones first.

    Raises:
        UsageError: A number is out of range, there is no subject, or `out` holds something else.
    """
    _check(healthy, patients, seed, workers)
    _check_thickness(thickness_mm)
    if thickness_mm is not None:
        acquisition = replace(settings.acquisition, thickness_mm=(thickness_mm, thickness_mm))
        settings = replace(settings, acquisition=acquisition)
    settings = replace(settings, skull=(settings.skull or Skull()) if skull else None)
    files.begin(out, f"{healthy} healthy subjects, {patients} patients, seed {seed}, {settings}")
    orders = _orders(out, healthy, patients, seed, settings)
    subjects = []
    for subject in _made(orders, workers):
        subjects.append(subject)
        if progress is not None:
            progress(f"{subject.participant_id} ({len(subjects)} of {len(orders)})")
    files.write_participants(out, subjects)
    return subjects


def _check(healthy: int, patients: int, seed: int, workers: int) -> None:
    if healthy < 0 or patients < 0 or healthy + patients == 0:
        raise UsageError(
            f"Expected at least one subject, found {healthy} healthy subjects and {patients} "
            "patients. Ask for some of either."
        )
    if seed < 0 or workers < 1:
        raise UsageError(
            f"Expected a seed of at least 0 and at least 1 worker, found seed {seed} and "
            f"{workers} workers. Choose other numbers."
        )


def _check_thickness(thickness_mm: float | None) -> None:
    low, high = THICKNESS_LIMITS_MM
    if thickness_mm is not None and not low <= thickness_mm <= high:
        raise UsageError(
            f"Expected slices of {low:g} to {high:g} mm, found {thickness_mm:g} mm. "
            "Choose a thickness in this range, or none to draw it per subject."
        )


def _orders(
    out: Path, healthy: int, patients: int, seed: int, settings: PhantomSettings
) -> list[_Order]:
    splits = {"healthy": _healthy_splits(healthy, seed), "patient": ["test"] * patients}
    return [
        _Order(
            out=out,
            participant_id=f"sub-{group}{number + 1:03d}",
            group=group,
            split=split,
            entropy=(seed, _GROUPS.index(group), number),
            settings=settings,
        )
        for group in _GROUPS
        for number, split in enumerate(splits[group])
    ]


def _healthy_splits(healthy: int, seed: int) -> list[str]:
    n_val = max(round(VAL_SHARE * healthy), min(1, healthy // 2))
    order = np.random.default_rng(seed).permutation(healthy)
    is_val = set(order[:n_val].tolist())
    return ["val" if number in is_val else "train" for number in range(healthy)]


def _made(orders: Sequence[_Order], workers: int) -> Iterator[CohortSubject]:
    """Make the subjects one after the other, or in processes; the order is kept."""
    if workers == 1:
        yield from map(_make, orders)
        return
    with pool(workers) as processes:
        yield from processes.map(_make, orders)


def _make(order: _Order) -> CohortSubject:
    """Make a subject unless it is there, and describe what the folder holds."""
    out, name, settings = order.out, order.participant_id, order.settings
    if not files.has_subject(out, name):
        phantom = phantom_subject(
            np.random.default_rng(order.entropy),
            patient=order.group == "patient",
            settings=settings,
        )
        files.write_subject(out, name, phantom, is_stripped=settings.skull is None)
    lesion, spacing_mm = files.read_lesion(out, name)
    return CohortSubject(
        participant_id=name,
        group=order.group,
        split=order.split,
        lesion_volume_ml=round(np.count_nonzero(lesion) * float(np.prod(spacing_mm)) / 1000, 3),
        n_lesions=int(ndimage.label(lesion, np.ones((3, 3, 3)))[1]),
        thickness_mm=round(spacing_mm[2], 3),
    )
