"""The commands that judge: what they say of scans that cannot be judged, and how they end."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.cli import run
from lesionless.cli.app import DONE, SOME_FAILED


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
