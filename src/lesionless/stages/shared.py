"""Subjects that stand in two stores, though they should play one part."""

import logging
from collections.abc import Collection
from pathlib import Path

from lesionless import store

logger = logging.getLogger(__name__)


def name_shared(
    subjects: Collection[str], folder: Path, other: Path, *, who: str, harm: str
) -> None:
    """Warn of subjects that stand in another store too; that they are the same people is a guess.

    Args:
        subjects: Labels without `sub-`.
        folder: The store that they are of.
        other: The other store.
        who: What they do in the first.
        harm: What happens if they are the same people.
    """
    shared = set(subjects).intersection(map(store.subject_of, store.paths(other)))
    if shared:
        logger.warning(
            "%s: expected other subjects than those of %s that %s, found %s in both. If they are "
            "the same people, %s: leave them out.",
            *(other, folder, who, ", ".join(f"sub-{label}" for label in sorted(shared)), harm),
        )
