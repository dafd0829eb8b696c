"""The table of the group: one row per segmented scan."""

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.data.bids import name_of, output_paths
from lesionless.data.derivatives import read_tsv, write_sidecar, write_tsv
from lesionless.errors import UsageError
from lesionless.stages.group import unsegmented, write_group
from lesionless.stages.lesion_table import COLUMNS

ATLAS = "MNI152NLin2009aSym"
UNCOMPARED = ("n/a", "n/a")


def segmented(out: Path, name: str, volumes_ml: list[float], brain_voxels: int) -> None:
    """Write the files of a scan that the group table leans on; voxels of 2 x 2 x 5 mm."""
    paths = output_paths(out, name_of(Path(name)), atlas=ATLAS)
    rows = [[at, volume, *[0.0] * 8] for at, volume in enumerate(volumes_ml, start=1)]
    write_tsv(paths.lesions, tuple(COLUMNS), rows)
    brain = np.zeros((10, 10, 10), dtype=np.uint8)
    brain.reshape(-1)[:brain_voxels] = 1
    nib.save(nib.Nifti1Image(brain, np.diag([2.0, 2.0, 5.0, 1.0])), paths.brain)
    paths.anomaly.touch()
    write_sidecar(paths.anomaly, {"Model": "intensity", "OperatingPoint": "p98"})


def test_each_scan_has_a_row_with_its_volumes(tmp_path: Path) -> None:
    segmented(tmp_path, "sub-02_ses-b_acq-3d_FLAIR.nii.gz", [0.5, 0.25], 500)
    segmented(tmp_path, "sub-01_FLAIR.nii.gz", [], 100)
    rows = read_tsv(write_group(tmp_path).table)
    assert [list(row.values()) for row in rows] == [
        ["sub-01", "n/a", "sub-01", "0", "0", *UNCOMPARED, "0", "2", "intensity", "p98"],
        [
            *("sub-02", "ses-b", "sub-02_ses-b_acq-3d", "2", "0.75", *UNCOMPARED, "0.5", "10"),
            *("intensity", "p98"),
        ],
    ]
    explained = json.loads((tmp_path / "group_lesions.json").read_text(encoding="utf-8"))
    assert list(explained) == list(rows[0])


def test_later_sessions_have_the_change_since_the_first(tmp_path: Path) -> None:
    """Of scans that can be compared: one subject, acquisition, model and operating point."""
    volumes = {
        "sub-1_ses-2_acq-3d": 0.5,
        "sub-1_ses-2_acq-2d": 0.25,
        "sub-1_ses-3_acq-3d": 2.0,
        "sub-1_ses-10_acq-3d": 0.25,
        "sub-2_ses-2_acq-3d": 4.0,
        "sub-3": 1.0,
    }
    for name, volume in volumes.items():
        segmented(tmp_path, f"{name}_FLAIR.nii.gz", [volume], 1)
    assert changes(tmp_path) == dict.fromkeys(volumes, UNCOMPARED) | {
        "sub-1_ses-3_acq-3d": ("1.5", "ses-2"),
        "sub-1_ses-10_acq-3d": ("-0.25", "ses-2"),
    }
    last = output_paths(tmp_path, name_of(Path("sub-1_ses-10_acq-3d_FLAIR.nii.gz")), atlas=ATLAS)
    for model, point in (("intensity", "fpr-1e-3"), ("restoration", "p98")):
        write_sidecar(last.anomaly, {"Model": model, "OperatingPoint": point})
        assert changes(tmp_path)["sub-1_ses-10_acq-3d"] == UNCOMPARED
    same = {"Model": "intensity", "OperatingPoint": "p98"}
    for other in ({"ModelSha256": "1f"}, {"Threshold": 5.0}):  # calibrated anew
        write_sidecar(last.anomaly, same | other)
        assert changes(tmp_path)["sub-1_ses-10_acq-3d"] == UNCOMPARED


def test_a_change_of_nothing_is_nothing(tmp_path: Path) -> None:
    """0.1 + 0.2 is not 0.3 in floating point."""
    segmented(tmp_path, "sub-1_ses-1_FLAIR.nii.gz", [0.3], 1)
    segmented(tmp_path, "sub-1_ses-2_FLAIR.nii.gz", [0.1, 0.2], 1)
    assert changes(tmp_path)["sub-1_ses-2"] == ("0", "ses-1")


def test_scans_of_other_voxels_are_not_compared(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for session in (1, 2):
        segmented(tmp_path, f"sub-1_ses-{session}_FLAIR.nii.gz", [1.0], 1)
    assert changes(tmp_path)["sub-1_ses-2"] == ("0", "ses-1")
    brain = output_paths(tmp_path, name_of(Path("sub-1_ses-2_FLAIR.nii.gz")), atlas=ATLAS).brain
    finer = nib.Nifti1Image(np.ones((10, 10, 10), np.uint8), np.diag([1.0, 2.0, 5.0, 1.0]))
    nib.save(finer, brain)
    assert not caplog.text
    assert changes(tmp_path)["sub-1_ses-2"] == UNCOMPARED
    assert "sub-1_ses-2 has no change_ml" in caplog.text


def test_scans_of_one_session_need_no_comparison(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in (
        "sub-1_ses-1_acq-2d",
        "sub-1_ses-1_acq-3d",
        "sub-2_ses-2_acq-2d",
        "sub-3",
        "sub-4",
    ):
        segmented(tmp_path, f"{name}_FLAIR.nii.gz", [1.0], 1)
    assert set(changes(tmp_path).values()) == {UNCOMPARED}
    assert not caplog.text


def changes(out: Path) -> dict[str, tuple[str, str]]:
    rows = read_tsv(write_group(out).table)
    return {row["scan"]: (row["change_ml"], row["change_since"]) for row in rows}


def test_a_brain_that_fills_its_scan_has_a_volume(tmp_path: Path) -> None:
    segmented(tmp_path, "sub-01_FLAIR.nii.gz", [], 1000)
    group = write_group(tmp_path)
    assert [row["brain_ml"] for row in read_tsv(group.table)] == ["20"]
    assert not group.failed


@pytest.mark.parametrize("subject", ["02", "sub-02"])
def test_only_the_subjects_that_are_asked_for_are_taken(tmp_path: Path, subject: str) -> None:
    for name in ("sub-01_FLAIR.nii.gz", "sub-02_FLAIR.nii.gz"):
        segmented(tmp_path, name, [1.0], 1)
    rows = read_tsv(write_group(tmp_path, subjects=[subject]).table)
    assert [row["participant_id"] for row in rows] == ["sub-02"]


def test_a_scan_that_is_not_finished_has_no_row(tmp_path: Path) -> None:
    """The anomaly map is written last."""
    for name in ("sub-01_FLAIR.nii.gz", "sub-02_FLAIR.nii.gz"):
        segmented(tmp_path, name, [1.0], 1)
    next(tmp_path.glob("sub-02/anat/*anomaly*")).unlink()
    assert [row["scan"] for row in read_tsv(write_group(tmp_path).table)] == ["sub-01"]


def test_what_a_stopped_run_left_has_no_row(tmp_path: Path) -> None:
    segmented(tmp_path, "sub-01_FLAIR.nii.gz", [1.0], 1)
    left = tmp_path / "sub-01" / "anat" / ".partial-x"
    left.mkdir()
    for path in (tmp_path / "sub-01" / "anat").glob("sub-01*"):
        shutil.copy(path, left)
    group = write_group(tmp_path)
    assert len(read_tsv(group.table)) == 1
    assert not group.failed


@pytest.mark.parametrize("damaged", ["*_mask.nii.gz", "*.tsv"])
def test_a_damaged_scan_is_named_and_the_others_stay(tmp_path: Path, damaged: str) -> None:
    for name in ("sub-01_FLAIR.nii.gz", "sub-02_FLAIR.nii.gz"):
        segmented(tmp_path, name, [1.0], 1)
    next(tmp_path.glob(f"sub-02/anat/{damaged}")).write_text("")
    group = write_group(tmp_path)
    assert [row["scan"] for row in read_tsv(group.table)] == ["sub-01"]
    assert list(group.failed) == ["sub-02"]


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="participant level first"):
        write_group(tmp_path)
    segmented(tmp_path, "sub-01_FLAIR.nii.gz", [1.0], 1)
    with pytest.raises(UsageError, match="found none of 99"):
        write_group(tmp_path, subjects=["01", "99"])


def test_scans_without_outputs_are_named(tmp_path: Path) -> None:
    """Those of the suffixes that were segmented, of the subjects that are asked for."""
    source, out = tmp_path / "in", tmp_path / "out"
    scans = [
        "sub-1_ses-1_FLAIR",
        "sub-1_ses-2_FLAIR",
        "sub-1_ses-1_T1w",
        "sub-2_T2w",
        "sub-2_FLAIR",
    ]
    source.mkdir()
    for scan in scans:
        (source / f"{scan}.nii.gz").touch()
    segmented(out, "sub-1_ses-1_FLAIR.nii.gz", [1.0], 1)
    segmented(out, "sub-1_ses-1_T1w.nii.gz", [1.0], 1)
    assert unsegmented(source, out) == ["sub-1_ses-2_FLAIR", "sub-2_FLAIR"]
    assert unsegmented(source, out, subjects=["sub-1"]) == ["sub-1_ses-2_FLAIR"]
    segmented(out, "sub-3_PDw.nii.gz", [1.0], 1)  # no scan of that kind, and nobody of that name
    assert unsegmented(source, out, subjects=["3"]) == []
    assert len(unsegmented(source, out)) == 2
    with pytest.raises(UsageError, match="found nothing"):
        unsegmented(tmp_path / "gone", out)
