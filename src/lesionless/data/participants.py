"""The table `participants.tsv` of a BIDS tree, as far as it says who is healthy and who trains."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lesionless.errors import UsageError

SPLITS = ("train", "val", "test")
HEALTHY_GROUPS = frozenset({"healthy", "control", "controls", "hc"})
_MISSING = frozenset({"", "n/a"})


@dataclass(frozen=True)
class Participant:
    """Hold what the table says of one subject.

    Attributes:
        subject: The label, without `sub-`.
        group: For example `healthy` or `patient`, in lower case; None if not known.
        split: One of `SPLITS`, or None if not known.
    """

    subject: str
    group: str | None = None
    split: str | None = None

    @property
    def is_healthy(self) -> bool:
        """Return whether the group says that the subject has no lesions."""
        return self.group in HEALTHY_GROUPS


def read_participants(tree: Path) -> dict[str, Participant]:
    """Read `participants.tsv` of a BIDS tree; a tree without one knows nothing of its subjects.

    Args:
        tree: The root of the tree.

    Returns:
        The subjects by label, without `sub-`, in the order of the table; empty without a table.

    Raises:
        UsageError: The table is not UTF-8, has no column participant_id, a line with another
            number of fields, a subject twice, or a split that is none of `SPLITS`.
    """
    path = tree / "participants.tsv"
    if not path.exists():
        return {}
    participants: dict[str, Participant] = {}
    for place, row in _rows(path):
        participant = _participant(row, place)
        if participant.subject in participants:
            raise UsageError(
                f"{place}: expected every subject once, found sub-{participant.subject} again. "
                "Remove one of its lines."
            )
        participants[participant.subject] = participant
    return participants


def _rows(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Return each line, with the place to name in an error; empty lines are passed over."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: expected text in UTF-8, found other bytes. Save it as UTF-8."
        ) from error
    lines = [
        (f"{path}, line {number}", line.split("\t"))
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
    header = lines[0][1] if lines else []
    if "participant_id" not in header:
        raise UsageError(
            f"{path}: expected the column participant_id, found {', '.join(header) or 'nothing'}. "
            "Separate the columns by tabs and name the first one participant_id."
        )
    return [(place, _row(header, fields, place)) for place, fields in lines[1:]]


def _row(header: list[str], fields: list[str], place: str) -> dict[str, str]:
    if len(fields) != len(header):
        raise UsageError(
            f"{place}: expected {len(header)} fields like the first line, found {len(fields)}. "
            "Write n/a where a value is missing, and separate by tabs."
        )
    return {key: field.strip() for key, field in zip(header, fields, strict=True)}


def _participant(row: Mapping[str, str], place: str) -> Participant:
    subject = row["participant_id"].removeprefix("sub-")
    if subject in _MISSING:
        raise UsageError(f"{place}: expected a participant_id, found none. Fill it in.")
    group, split = (_known(row.get(column, "n/a").lower()) for column in ("group", "split"))
    if split is not None and split not in SPLITS:
        raise UsageError(
            f"{place}: expected the split {', '.join(SPLITS)} or n/a, found {split}. Correct it."
        )
    return Participant(subject=subject, group=group, split=split)


def _known(field: str) -> str | None:
    return None if field in _MISSING else field
