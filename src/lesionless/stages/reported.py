"""Which patients a benchmark reports: none that its models learnt from."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from lesionless import store
from lesionless.data.participants import known_healthy, read_participants
from lesionless.data.splits import Split
from lesionless.errors import UsageError
from lesionless.experiment import Experiment
from lesionless.preprocess.prepared import PreparedScan
from lesionless.stages.normals import split_of
from lesionless.stages.shared import name_shared
from lesionless.training.normals import NormalsSettings

EVERYBODY = "all"
"""Stands in place of a split for every patient that may be reported."""


def reported_scans(experiment: Experiment, normals: Path, patients: Path) -> list[Path]:
    """List the prepared scans of the split that is reported, as far as their lesions are known.

    These are scans with a mask, if only an empty one, and those of subjects known to be healthy.

    Where models learn from the same store, `all` leaves out who trains and who sets thresholds.
    The split `val` may still be asked for; thresholds then come from the same patients.

    Args:
        experiment: The experiment; its cohort names the split.
        normals: The store to learn from.
        patients: The store with the patients; may be the same.

    Raises:
        UsageError: There is none, or those are asked for that models learn from.
    """
    subjects = _reported_subjects(experiment, normals, patients)
    healthy = known_healthy(patients)
    scans = [
        path
        for path in store.paths(patients)
        if store.subject_of(path) in subjects
        if store.subject_of(path) in healthy or store.has_lesion_mask(path)
    ]
    if not scans:
        raise _nobody(experiment.cohort.test_split, normals, patients)
    return scans


def load_reported(path: Path) -> PreparedScan:
    """Read one of the scans that are reported; without a mask it is healthy, and has no lesion."""
    scan = store.load(path)
    return scan if scan.lesion is not None else replace(scan, lesion=np.zeros_like(scan.brain))


def warn_of_shared_subjects(experiment: Experiment, normals: Path, patients: Path) -> None:
    """Name who is learnt from or sets thresholds, and stands among the patients of another store.

    Args:
        experiment: The experiment.
        normals: The store to learn from.
        patients: The store with the patients; nobody is named where it is the same.
    """
    if _are_one(normals, patients):
        return
    name_shared(
        _used(_split(experiment, normals)),
        normals,
        patients,
        who="train and set thresholds",
        harm="figures come out too good",
    )


def notes(experiment: Experiment, normals: Path, patients: Path) -> list[str]:
    """Return what a reader must know of the patients that are reported, a sentence each."""
    if _are_one(normals, patients) and experiment.cohort.test_split == "val":
        return [
            "The patients that are reported also set the thresholds, by what of them is free of "
            "lesions. What depends on a threshold may be optimistic."
        ]
    return []


def _reported_subjects(experiment: Experiment, normals: Path, patients: Path) -> set[str]:
    wanted = experiment.cohort.test_split
    subjects = set(map(store.subject_of, store.paths(patients)))
    if not _are_one(normals, patients):
        listed = read_participants(patients)
        splits = {label: listed[label].split for label in subjects & listed.keys()}
        return {label for label in subjects if wanted in (EVERYBODY, splits.get(label))}
    if wanted == "train":
        raise UsageError(
            f"{patients}: expected patients that no model learns from, found those of the split "
            "'train'. Give --patients, or another --test-split."
        )
    split = _split(experiment, normals)
    if wanted == EVERYBODY:
        return subjects - _used(split)
    return {label for label in subjects if split.part_of(label) == wanted}


def _nobody(wanted: str, normals: Path, patients: Path) -> UsageError:
    if wanted == EVERYBODY and _are_one(normals, patients):
        return UsageError(
            f"{patients}: expected scans with lesion masks of subjects that neither train nor set "
            "thresholds, found none. Give --patients, or the split test to some of them in "
            "participants.tsv, or --test-split val, whose thresholds come from the same patients."
        )
    return UsageError(
        f"{patients}: expected scans with lesion masks in the split {wanted!r}, found none. "
        "Correct cohort.test_split or --test-split, or give patients with derivatives/lesion."
    )


def _are_one(normals: Path, patients: Path) -> bool:
    return normals.resolve() == patients.resolve()


def _split(experiment: Experiment, normals: Path) -> Split:
    return split_of(normals, NormalsSettings(**experiment.normals))


def _used(split: Split) -> set[str]:
    return {*split.train, *split.val}
