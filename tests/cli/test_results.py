"""The commands that judge: what they say of scans that cannot be judged, and how they end."""

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.cli import run
from lesionless.cli.app import DONE, SOME_FAILED, WRONG_USAGE


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
    assert run(["report", str(out)]) == DONE
    assert (out / "tables" / "summary_all_any.md").exists()
    assert (out / "figures" / "any" / "precision_recall.png").exists()


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
    assert not (Path(first) / "tables").exists()


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
    assert "of which there is a report" in capsys.readouterr().err


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
