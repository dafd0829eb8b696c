"""The commands that judge: what they say of scans that cannot be judged, and how they end."""

import csv
import json
import shutil
from dataclasses import asdict
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.cli import run
from lesionless.cli.app import DONE, SOME_FAILED, WRONG_USAGE
from lesionless.cli.results import LESIONS
from lesionless.evaluation.lesions import LesionRules


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Maps of another tool for two subjects; the second one's reference lies on another grid."""
    score = np.zeros((12, 10, 8), dtype=np.float32)
    score[2:5, 2:5, 2:5] = 0.9
    for subject, spacing_mm in (("1", 2.0), ("2", 1.0)):
        nib.save(nib.Nifti1Image(score, np.diag([2.0, 2, 2, 1])), tmp_path / f"{subject}_prob.nii")
        truth = nib.Nifti1Image((score > 0).astype(np.uint8), np.diag([*[spacing_mm] * 3, 1]))
        nib.save(truth, tmp_path / f"sub-{subject}_label-lesion_mask.nii.gz")
    return [str(tmp_path), str(tmp_path / "out"), "--truth", str(tmp_path)]


def test_a_bad_reference_is_listed_and_the_rest_is_done(
    folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", *folders, "--pattern", "{subject}_prob.nii"]) == SOME_FAILED
    shown = capsys.readouterr().out
    assert "failed: sub-2: " in shown and "failed: sub-1" not in shown
    out = Path(folders[1])
    assert "sub-1" in (out / "subjects.csv").read_text()
    made = [out / "tables" / "summary_all_any.md", out / "figures" / "any" / "precision_recall.png"]
    before = [path.read_bytes() for path in made]
    for path in made:
        path.unlink()
    assert run(["report", str(out)]) == DONE
    assert [path.read_bytes() for path in made] == before


def test_nothing_that_can_be_judged_is_a_failure_of_scans(
    folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--pattern", "{subject}_prob.nii", "--participant-label", "2"]
    assert run(["evaluate", *folders, *asked]) == SOME_FAILED
    assert "found none among 1" in capsys.readouterr().err


def test_healthy_subjects_are_judged_without_a_mask(
    folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    place = Path(folders[0])
    (place / "sub-2_label-lesion_mask.nii.gz").unlink()
    (place / "participants.tsv").write_text("participant_id\tgroup\nsub-2\thc\n")
    asked = ["--pattern", "{subject}_prob.nii", "--threshold", "0.5"]
    assert run(["evaluate", *folders, *asked]) == DONE
    with (Path(folders[1]) / "subjects.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["operating_point"] == "own"]
    found = {row["subject"]: (row["truth"], row["healthy_false_positive_ml"]) for row in rows}
    assert found == {"1": ("lesion", "nan"), "2": ("healthy", "0.216")}  # 27 voxels of 8 mm³


def test_what_counts_as_a_lesion_can_be_set(
    folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--pattern", "{subject}_prob.nii", "--participant-label", "1"]
    rules = ["--connectivity", "6", "--minimum-overlap", "0.5", "--minimum-mm3", "9"]
    assert run(["evaluate", *folders, *asked, *rules, "--small-ml", "0.2"]) == DONE
    described = json.loads((Path(folders[1]) / "results.json").read_text(encoding="utf-8"))
    chosen = {"connectivity": 6, "minimum_overlap": 0.5, "minimum_mm3": 9.0, "small_ml": 0.2}
    assert described["settings"]["lesion_rules"] == chosen | {"large_ml": 1.0}
    table = (Path(folders[1]) / "tables" / "summary_all_any.md").read_text(encoding="utf-8")
    assert "at least 9 mm³ (6 neighbours)" in table
    assert asdict(LESIONS) == asdict(LesionRules())
    assert run(["evaluate", *folders, *asked]) == WRONG_USAGE  # tables by other rules are there
    assert "lesion_rules.connectivity = 26" in capsys.readouterr().err


def test_brain_masks_are_taken_by_a_pattern(folders: list[str]) -> None:
    (Path(folders[0]) / "sub-2_label-lesion_mask.nii.gz").unlink()
    mask = nib.Nifti1Image(np.ones((12, 10, 8), dtype=np.uint8), np.diag([2.0, 2, 2, 1]))
    nib.save(mask, Path(folders[0]) / "1_brain.nii.gz")
    options = ["--pattern", "{subject}_prob.nii", "--mask", "{subject}_brain.nii.gz"]
    assert run(["evaluate", *folders, *options]) == DONE


def test_only_the_subjects_asked_for_are_judged(folders: list[str]) -> None:
    """The other one has a bad reference."""
    asked = ["--pattern", "{subject}_prob.nii", "--participant-label", "sub-1"]
    assert run(["evaluate", *folders, *asked]) == DONE
    results = json.loads((Path(folders[1]) / "results.json").read_text(encoding="utf-8"))
    assert results["request"]["subjects"] == ["1"]


@pytest.fixture
def two_tools(folders: list[str], tmp_path: Path) -> list[str]:
    """Results of two tools on one scan; the second one finds everything half as likely."""
    (tmp_path / "sub-2_label-lesion_mask.nii.gz").unlink()
    image = nib.load(tmp_path / "1_prob.nii")
    nib.save(nib.Nifti1Image(image.get_fdata() / 2, image.affine), tmp_path / "1_half.nii")
    made = []
    for tool in ("prob", "half"):
        made.append(str(tmp_path / f"of-{tool}"))
        names = ["--pattern", f"{{subject}}_{tool}.nii", "--method", tool]
        options = ["--truth", str(tmp_path), "--threshold", "0.5"]
        assert run(["evaluate", str(tmp_path), made[-1], *names, *options]) == DONE
    return made


def test_results_of_two_tools_become_one_table(
    two_tools: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = two_tools
    both = tmp_path / "both"
    assert run(["report", first, "--beside", second, "--out", str(both)]) == DONE
    assert "prob" in capsys.readouterr().out
    (table,) = both.glob("tables/summary_all_own.csv")
    rows = [line.split(",")[:1] for line in table.read_text().splitlines()]
    assert [row for row in rows if row[0] in ("prob", "half")] == [["prob"], ["half"]]
    assert run(["report", str(both)]) == DONE
    assert "half" not in (Path(first) / "tables" / table.name).read_text()


def test_what_cannot_be_joined_is_refused(
    two_tools: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = two_tools
    both = str(tmp_path / "both")
    for arguments, message in (
        ([first, "--beside", second], "--beside and --out together"),
        ([first, "--out", both], "--beside and --out together"),
        ([first, "--beside", "--out", both], "--beside and --out together"),
        ([first, "--beside", first, "--out", both], "each method in one evaluation"),
        ([first, "--beside", second, "--out", second], "without other results"),
        ([first, "--beside", str(tmp_path), "--out", both], "results of an evaluation"),
    ):
        assert run(["report", *arguments]) == WRONG_USAGE
        assert message in " ".join(capsys.readouterr().err.split())
        assert not Path(both).exists()


def test_results_of_other_references_are_not_joined(
    two_tools: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = two_tools
    other = tmp_path / "elsewhere"
    other.mkdir()
    for path in (*tmp_path.glob("*.nii"), *tmp_path.glob("*mask.nii.gz")):
        shutil.copy(path, other)
    options = ["--pattern", "{subject}_half.nii", "--method", "half", "--truth", str(other)]
    assert run(["evaluate", str(other), str(tmp_path / "third"), *options]) == DONE
    third = str(tmp_path / "third")
    assert run(["report", first, "--beside", third, "--out", str(tmp_path / "x")]) == WRONG_USAGE
    assert "truth = " in capsys.readouterr().err


def test_what_is_joined_and_what_is_not_do_not_replace_each_other(
    two_tools: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = two_tools
    both = str(tmp_path / "both")
    again = ["report", first, "--beside", second, "--out", both]
    assert (run(again), run(again)) == (DONE, DONE)
    assert run(["report", second, "--beside", first, "--out", both]) == WRONG_USAGE
    asked = ["--pattern", "{subject}_prob.nii", "--method", "prob", "--threshold", "0.5"]
    evaluate = ["evaluate", str(tmp_path), both, "--truth", str(tmp_path), *asked]
    capsys.readouterr()
    assert run(evaluate) == WRONG_USAGE
    assert "whose tables and figures are there" in capsys.readouterr().err


def test_results_that_do_not_say_their_references_are_not_joined(
    two_tools: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = two_tools
    described = json.loads((Path(second) / "results.json").read_text())
    described["request"] = {}  # as those of a benchmark
    (Path(second) / "results.json").write_text(json.dumps(described))
    for folders in ((first, second), (second, first)):
        command = ["report", folders[0], "--beside", folders[1], "--out", str(tmp_path / "x")]
        assert run(command) == WRONG_USAGE
        assert "of a benchmark" in " ".join(capsys.readouterr().err.split())
