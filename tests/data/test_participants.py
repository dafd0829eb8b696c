"""The table is read as it stands, and a table that is wrong is refused with its line."""

import os
from pathlib import Path

import pytest

from lesionless.data.participants import (
    Participant,
    check_labels,
    join_participants,
    read_participants,
)
from lesionless.errors import UsageError


def table(root: Path, *lines: str, encoding: str = "utf-8") -> Path:
    text = "\n".join("\t".join(line.split()) for line in lines) + "\n"
    (root / "participants.tsv").write_text(text, encoding=encoding)
    return root


def test_group_and_split_are_read_by_column_name(tmp_path: Path) -> None:
    table(
        tmp_path,
        "participant_id age split group",
        "sub-01 31 train Healthy",
        "sub-02 n/a n/a patient",
        "03 50 test n/a",
    )
    assert read_participants(tmp_path) == {
        "01": Participant("01", group="healthy", split="train"),
        "02": Participant("02", group="patient", split=None),
        "03": Participant("03", group=None, split="test"),
    }


def test_a_table_without_the_columns_knows_neither(tmp_path: Path) -> None:
    table(tmp_path, "participant_id has_image", "sub-1 0")
    assert read_participants(tmp_path) == {"1": Participant("1")}


def test_a_tree_without_a_table_knows_nobody(tmp_path: Path) -> None:
    assert read_participants(tmp_path) == {}


def test_byte_order_mark_windows_line_ends_and_empty_lines_do_no_harm(tmp_path: Path) -> None:
    text = "\ufeffparticipant_id\tgroup\r\nsub-1\tcontrol\r\n\r\n"
    (tmp_path / "participants.tsv").write_bytes(text.encode())
    assert read_participants(tmp_path)["1"].is_healthy


@pytest.mark.parametrize(
    ("group", "is_healthy"),
    [("healthy", True), ("control", True), ("hc", True), ("patient", False), (None, False)],
)
def test_healthy_and_control_are_the_groups_without_lesions(
    group: str | None, is_healthy: bool
) -> None:
    assert Participant("1", group=group).is_healthy is is_healthy


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["subject group", "sub-1 healthy"], "participant_id.*found subject, group"),
        (["participant_id,group", "sub-1,healthy"], "tabs"),
        ([], "participant_id"),
        (["participant_id group", "sub-1"], "line 2: expected 2 fields.*found 1"),
        (["participant_id", "sub-1 healthy"], "line 2: expected 1 fields.*found 2"),
        (["participant_id", "sub-1", "1"], "line 3: .*sub-1 again"),
        (["participant_id split", "sub-1 dev"], "line 2: .*found dev"),
        (["participant_id split", "n/a train"], "line 2: .*participant_id"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    table(tmp_path, *lines)
    with pytest.raises(UsageError, match=message):
        read_participants(tmp_path)


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    table(tmp_path, "participant_id group", "sub-1 gesünder", encoding="latin-1")
    with pytest.raises(UsageError, match="UTF-8"):
        read_participants(tmp_path)


REAL = os.environ.get("LESIONLESS_DATA")


@pytest.mark.real
@pytest.mark.skipif(REAL is None, reason="LESIONLESS_DATA is not set")
def test_the_real_tables_are_read() -> None:
    splits = [p.split for p in read_participants(Path(str(REAL)) / "lgg-flair").values()]
    assert (len(splits), set(splits)) == (60, {"train", "val"})
    assert len(read_participants(Path(str(REAL)) / "ms-tabriz")) == 7


def two_tables(root: Path, own: list[str], added: list[str]) -> tuple[Path, Path]:
    for name, lines in (("own", own), ("tree", added)):
        (root / name).mkdir()
        if lines:
            table(root / name, *lines)
    return root / "tree", root / "own"


def test_the_first_table_is_taken_as_it_is(tmp_path: Path) -> None:
    tree, own = two_tables(tmp_path, [], ["participant_id age", "sub-1 n/a"])
    join_participants(tree, own / "deeper")
    written = (own / "deeper" / "participants.tsv").read_bytes()
    assert written == (tree / "participants.tsv").read_bytes()


def test_lines_columns_and_missing_values_of_a_second_table_are_added(tmp_path: Path) -> None:
    tree, own = two_tables(
        tmp_path,
        ["participant_id age group", "sub-1 31 healthy", "sub-2 n/a patient"],
        ["participant_id group split age", "2 patient test 60", "sub-3 healthy train n/a"],
    )
    join_participants(tree, own)
    assert (own / "participants.tsv").read_text().splitlines() == [
        "participant_id\tage\tgroup\tsplit",
        "sub-1\t31\thealthy\tn/a",
        "sub-2\t60\tpatient\ttest",
        "sub-3\tn/a\thealthy\ttrain",
    ]


def test_a_table_that_says_nothing_new_changes_no_byte(tmp_path: Path) -> None:
    lines = ["participant_id age", "sub-1 31"]
    tree, own = two_tables(tmp_path, [*lines, "sub-2 40"], lines)
    before = (own / "participants.tsv").read_bytes()
    join_participants(tree, own)
    assert (own / "participants.tsv").read_bytes() == before


def test_two_tables_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    tree, own = two_tables(
        tmp_path,
        ["participant_id group", "sub-1 healthy"],
        ["participant_id group", "sub-1 patient", "sub-2 patient"],
    )
    before = (own / "participants.tsv").read_bytes()
    with pytest.raises(UsageError, match=r"group healthy of sub-1.*found patient"):
        join_participants(tree, own)
    assert (own / "participants.tsv").read_bytes() == before
    join_participants(tree, own, replace=True)
    assert [p.group for p in read_participants(own).values()] == ["patient", "patient"]


def test_lines_of_subjects_that_are_not_taken_stay_out(tmp_path: Path) -> None:
    tree, own = two_tables(tmp_path, [], ["participant_id group", "sub-1 healthy", "sub-2 patient"])
    join_participants(tree, own, without=["1"])
    assert list(read_participants(own)) == ["2"]


def test_labels_that_lost_their_zeros_are_refused(tmp_path: Path) -> None:
    """A spreadsheet makes 1 of 001; its group would be nobody's."""
    table(tmp_path, "participant_id group", "1 patient", "sub-002 patient", "7 patient")
    with pytest.raises(UsageError, match=r"expected sub-001 as in the names of the scans, found 1"):
        check_labels(tmp_path, ["001", "002"])
    check_labels(tmp_path, ["2", "002", "007x", "1"])
    with pytest.raises(UsageError, match=r"expected sub-000 .* found 0"):
        check_labels(table(tmp_path, "participant_id", "0"), ["000"])
    check_labels(tmp_path / "nowhere", ["001"])


def test_blanks_around_names_and_ends_of_line_inside_fields_do_no_harm(tmp_path: Path) -> None:
    lines = "participant_id \tgroup\tnote\r\nsub-1\tpatient\tone\x0btwo\u0085three\r\n"
    (tmp_path / "participants.tsv").write_bytes(lines.encode())
    assert read_participants(tmp_path) == {"1": Participant("1", group="patient")}
