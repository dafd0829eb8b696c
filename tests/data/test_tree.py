"""Which tree a path is part of, and what must not be written into it."""

from pathlib import Path

import pytest

from lesionless.data.tree import check_apart, tree_of, whole_of
from lesionless.errors import UsageError


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A scan of a tree in which a folder above is called as a subject's might be."""
    anat = tmp_path / "sub-projects" / "cohort" / "sub-01" / "ses-1" / "anat"
    anat.mkdir(parents=True)
    (anat / "sub-01_ses-1_FLAIR.nii.gz").touch()
    return anat / "sub-01_ses-1_FLAIR.nii.gz"


@pytest.mark.parametrize("up", [0, 1, 2, 3, 4])
def test_parts_of_a_tree_are_told_by_the_names_of_folders(scan: Path, up: int) -> None:
    part = [scan, *scan.parents][up]
    assert tree_of(part) == scan.parents[3]


def test_a_relative_path_is_part_of_a_tree(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scan.parents[1])
    assert tree_of(Path()) == tree_of(Path("anat") / scan.name) == scan.parents[3]


def test_what_lies_in_no_subject_is_its_own_tree(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").touch()
    (tmp_path / "sub-1_FLAIR.nii.gz").touch()
    assert tree_of(tmp_path) == tree_of(tmp_path / "a.nii.gz") == tmp_path
    assert tree_of(tmp_path / "sub-1_FLAIR.nii.gz") == tmp_path


def test_outputs_go_beside_a_scan_of_no_tree_and_into_derivatives(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").touch()
    check_apart(tmp_path / "a.nii.gz", tmp_path)
    check_apart(tmp_path, tmp_path / "derivatives")
    with pytest.raises(UsageError, match="another folder than that of the scans"):
        check_apart(tmp_path, tmp_path / ".")


def test_a_path_that_leads_upwards_is_part_of_the_same_tree(
    scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = scan.parents[3]
    monkeypatch.chdir(scan.parent)
    assert tree_of(Path("..")) == tree_of(Path(scan.name)) == tree
    with pytest.raises(UsageError, match="another folder"):
        check_apart(Path(".."), tree)
    check_apart(tree / "sub-1_FLAIR.nii.gz", tree)  # of no subject's folder


def test_a_tree_in_a_folder_called_derivatives_is_a_whole(tmp_path: Path) -> None:
    tree = tmp_path / "derivatives" / "cohort"
    tree.mkdir(parents=True)
    assert whole_of(tree) == tmp_path
    (tree / "participants.tsv").touch()
    assert whole_of(tree) == tree


def test_outputs_do_not_go_into_the_folder_of_a_subject(scan: Path) -> None:
    tree = scan.parents[3]
    for source in (scan, scan.parent, tree):
        for out in (scan.parent, scan.parent / "out", tree / "sub-02", tree):
            with pytest.raises(UsageError, match="cohort/derivatives/lesionless"):
                check_apart(source, out)
        check_apart(source, tree / "derivatives" / "lesionless")
        check_apart(source, tree / "out")
