"""The table `participants.tsv` of a BIDS tree, as far as it says who is healthy and who trains."""

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from lesionless.data.derivatives import write_tsv
from lesionless.errors import UsageError
from lesionless.provenance import whole

TABLE_NAME = "participants.tsv"
SPLITS = ("train", "val", "test")
HEALTHY_GROUPS = frozenset({"healthy", "control", "controls", "hc"})
_ID = "participant_id"
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
    path = tree / TABLE_NAME
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


def known_healthy(tree: Path) -> set[str]:
    """Return the labels of the subjects whom the table of a tree says to be healthy.

    Raises:
        UsageError: As for `read_participants`.
    """
    return {label for label, who in read_participants(tree).items() if who.is_healthy}


def check_labels(tree: Path, subjects: Collection[str]) -> None:
    """Refuse a table that means a subject whose label lost its leading zeros, as in a spreadsheet.

    Args:
        tree: The root of the tree.
        subjects: The labels of its scans, without `sub-`.

    Raises:
        UsageError: A line fits no scan, but would with leading zeros.
    """
    listed = read_participants(tree)
    lost = {subject.lstrip("0") or "0": subject for subject in subjects if subject not in listed}
    for label in listed.keys() - set(subjects):
        if label in lost:
            raise UsageError(
                f"{tree / TABLE_NAME}: expected sub-{lost[label]} as in the names of the scans, "
                f"found {label}. Write the labels with their leading zeros."
            )


def join_participants(
    tree: Path, target: Path, *, replace: bool = False, without: Collection[str] = ()
) -> None:
    """Add the table of a BIDS tree to that of another folder; where there is none, nothing is done.

    Subjects and columns are added and missing values filled in. A table that knows no more than
    the folder's leaves that as it is.

    Args:
        tree: The root of the tree.
        target: The folder whose table is written.
        replace: Whether the tree's values replace those of the folder that differ.
        without: Subjects, without `sub-`, whose lines are not added.

    Raises:
        UsageError: A table cannot be read, see `read_participants`; or the two tables know
            different values of one subject, and those of the folder are not to be replaced.
    """
    source, own = tree / TABLE_NAME, target / TABLE_NAME
    if not source.exists():
        return
    if not own.exists() and not without:
        with whole(own) as partial:
            shutil.copyfile(source, partial)
        return
    before, added = _by_subject(target), _by_subject(tree)
    if not replace:
        _check_agreement(own, before, source, added)
    after = dict(before)
    for subject in [name for name in added if name not in without]:
        ours, theirs = before.get(subject, {}), added[subject]
        known = {key: field for key, field in theirs.items() if field not in _MISSING}
        after[subject] = {**theirs, **ours, **known, _ID: ours.get(_ID, theirs[_ID])}
    if after != before:
        _write_rows(own, after)


def _by_subject(tree: Path) -> dict[str, dict[str, str]]:
    """Return the lines of a tree's table by subject; that of every line is checked."""
    if not read_participants(tree):
        return {}
    rows = [row for _, row in _rows(tree / TABLE_NAME)]
    return {row[_ID].removeprefix("sub-"): row for row in rows}


def _check_agreement(
    own: Path,
    before: Mapping[str, Mapping[str, str]],
    source: Path,
    added: Mapping[str, Mapping[str, str]],
) -> None:
    for subject in before.keys() & added.keys():
        for column in (before[subject].keys() & added[subject].keys()) - {_ID}:
            ours, theirs = before[subject][column], added[subject][column]
            if ours != theirs and _MISSING.isdisjoint((ours, theirs)):
                raise UsageError(
                    f"{source}: expected the {column} {ours} of sub-{subject} as in {own}, found "
                    f"{theirs}. If it is the same subject, correct one of the tables; if it is "
                    "another one, choose another folder."
                )


def _write_rows(path: Path, rows: Mapping[str, Mapping[str, str]]) -> None:
    columns = list(dict.fromkeys([_ID, *(column for row in rows.values() for column in row)]))
    write_tsv(path, columns, [[row.get(column) for column in columns] for row in rows.values()])


def _rows(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Return each line, with the place to name in an error; empty lines are passed over."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: expected text in UTF-8, found other bytes. Save it as UTF-8."
        ) from error
    lines = [
        (f"{path}, line {number}", [field.strip() for field in line.split("\t")])
        for number, line in enumerate(text.replace("\r", "\n").split("\n"), start=1)
        if line.strip()
    ]
    header = lines[0][1] if lines else []
    if _ID not in header:
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
    return dict(zip(header, fields, strict=True))


def _participant(row: Mapping[str, str], place: str) -> Participant:
    subject = row[_ID].removeprefix("sub-")
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
