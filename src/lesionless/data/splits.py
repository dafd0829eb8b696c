"""Which subjects train, validate and test, and which of their slices count as normal."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from lesionless.arrays import SliceMask
from lesionless.data.participants import Participant
from lesionless.errors import UsageError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Split:
    """Hold the subjects of each part; none stands in two of them.

    Attributes:
        train: Subjects that models learn from, sorted.
        val: Subjects that thresholds are chosen on, sorted.
        test: Subjects that neither is done on, sorted.
    """

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...] = ()

    def part_of(self, subject: str) -> str | None:
        """Return `train`, `val` or `test`, or None for a subject in no part."""
        parts = {"train": self.train, "val": self.val, "test": self.test}
        return next((part for part, members in parts.items() if subject in members), None)


def split_subjects(
    subjects: Iterable[str],
    participants: Mapping[str, Participant],
    *,
    seed: int,
    val_fraction: float = 0.2,
    test_fraction: float = 0.0,
) -> Split:
    """Say which subjects train, validate and test.

    If `participants.tsv` gives a split to any of the subjects, it decides, and subjects without
    one are in no part; if it names nobody to validate, these are drawn from those who train.
    Otherwise all subjects are drawn with the seed. A part with a fraction above 0 gets at least
    one subject.

    Args:
        subjects: Labels without `sub-`; their order does not matter.
        participants: What the table says of them; may be empty.
        seed: Of the draw.
        val_fraction: Share of the subjects that validate, in [0, 1).
        test_fraction: Share of the subjects that test, in [0, 1).

    Raises:
        UsageError: The fractions leave nobody to train.
    """
    labels = sorted(set(subjects))
    if not any(_split_of(label, participants) for label in labels):
        return _drawn(labels, seed, val_fraction, test_fraction)
    given = _given(labels, participants)
    if given.val or len(given.train) < 2:
        return given
    return replace(_drawn(list(given.train), seed, val_fraction, 0.0), test=given.test)


def normal_slices(
    lesion: SliceMask | None,
    n_slices: int,
    participant: Participant,
    *,
    margin: int = 2,
) -> Bool[np.ndarray, " slice"]:
    """Say which slices of a scan count as normal, for training and for thresholds.

    Healthy subjects give all their slices, others those free of lesions with a margin. A patient
    of whom no lesion mask is known gives none. A subject of unknown group without a lesion mask
    is taken for healthy. `name_without_mask` tells of the last two.

    Args:
        lesion: (slice, row, column) reference lesions, or None where nothing is known of them.
        n_slices: Number of slices of the scan.
        participant: What is known of the subject.
        margin: See `lesion_free_slices`.

    Source: Baur et al. 2018, Sec. 3, "Datasets", trains on healthy subjects only; slices of
    patients are our addition, for cohorts that have no healthy subjects.
    """
    if participant.is_healthy:
        return np.ones(n_slices, dtype=bool)
    if lesion is not None:
        return lesion_free_slices(lesion, margin=margin)
    return np.full(n_slices, participant.group is None)


def name_without_mask(participant: Participant) -> None:
    """Warn of a subject of whom it is not known where its lesions lie, or whether it has some."""
    logger.warning(
        "sub-%s: no lesion mask, group %s: %s of its slices count as normal",
        participant.subject,
        participant.group or "not known",
        "all" if participant.group is None else "none",
    )


def lesion_free_slices(lesion: SliceMask, *, margin: int = 2) -> Bool[np.ndarray, " slice"]:
    """Say which slices have no lesion, neither in themselves nor in their neighbours.

    Args:
        lesion: (slice, row, column) lesion mask.
        margin: How many slices on either side must be free of lesions too.

    >>> lesion = np.zeros((7, 4, 4), dtype=bool)
    >>> lesion[5, 1, 1] = True
    >>> lesion_free_slices(lesion, margin=2).tolist()
    [True, True, True, False, False, False, False]
    """
    has_lesion = lesion.any(axis=(1, 2))
    return np.asarray(~ndimage.maximum_filter1d(has_lesion, 2 * margin + 1, mode="constant"))


def _split_of(subject: str, participants: Mapping[str, Participant]) -> str | None:
    participant = participants.get(subject)
    return participant.split if participant else None


def _given(labels: list[str], participants: Mapping[str, Participant]) -> Split:
    splits = {label: _split_of(label, participants) for label in labels}
    left_out = [label for label, split in splits.items() if split is None]
    if left_out:
        logger.warning(
            "participants.tsv gives no split to %d subjects, they are left out: %s",
            len(left_out),
            ", ".join(left_out),
        )
    parts = {
        part: tuple(label for label in labels if splits[label] == part)
        for part in ("train", "val", "test")
    }
    return Split(**parts)


def _drawn(labels: list[str], seed: int, val_fraction: float, test_fraction: float) -> Split:
    n_val, n_test = (_count(f, len(labels)) for f in (val_fraction, test_fraction))
    if len(labels) - n_val - n_test < 1:
        raise UsageError(
            f"Expected at least one subject to train on, found {len(labels)} subjects of which "
            f"{n_val} validate and {n_test} test. Lower the fractions or give more subjects."
        )
    drawn = [labels[at] for at in np.random.default_rng(seed).permutation(len(labels))]
    return Split(
        val=tuple(sorted(drawn[:n_val])),
        test=tuple(sorted(drawn[n_val : n_val + n_test])),
        train=tuple(sorted(drawn[n_val + n_test :])),
    )


def _count(fraction: float, n: int) -> int:
    if not 0 <= fraction < 1:
        raise UsageError(f"Expected a fraction in [0, 1), found {fraction}. Correct it.")
    return max(1, round(fraction * n)) if fraction > 0 else 0
