"""The table of the group: one row per segmented scan."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.data.bids import name_of, output_paths
from lesionless.data.derivatives import read_tsv, write_tsv
from lesionless.errors import UsageError
from lesionless.stages.group import write_group
from lesionless.stages.segment import LESION_COLUMNS


def segmented(out: Path, name: str, volumes_ml: list[float], brain_voxels: int) -> None:
    """Write the two files of a scan that the group table reads; voxels of 2 x 2 x 5 mm."""
    paths = output_paths(out, name_of(Path(name)), atlas="MNI152NLin2009aSym")
    rows = [[at, volume, *[0.0] * 8] for at, volume in enumerate(volumes_ml, start=1)]
    write_tsv(paths.lesions, LESION_COLUMNS, rows)
    brain = np.zeros((10, 10, 10), dtype=np.uint8)
    brain.reshape(-1)[:brain_voxels] = 1
    nib.save(nib.Nifti1Image(brain, np.diag([2.0, 2.0, 5.0, 1.0])), paths.brain)


def test_each_scan_has_a_row_with_its_volumes(tmp_path: Path) -> None:
    segmented(tmp_path, "sub-02_ses-b_acq-3d_FLAIR.nii.gz", [0.5, 0.25], 500)
    segmented(tmp_path, "sub-01_FLAIR.nii.gz", [], 100)
    rows = read_tsv(write_group(tmp_path))
    assert [list(row.values()) for row in rows] == [
        ["sub-01", "n/a", "sub-01", "0", "0", "0", "2"],
        ["sub-02", "ses-b", "sub-02_ses-b_acq-3d", "2", "0.75", "0.5", "10"],
    ]
    assert '"Units": "mL"' in (tmp_path / "group_lesions.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("subject", ["02", "sub-02"])
def test_only_the_subjects_that_are_asked_for_are_taken(tmp_path: Path, subject: str) -> None:
    for name in ("sub-01_FLAIR.nii.gz", "sub-02_FLAIR.nii.gz"):
        segmented(tmp_path, name, [1.0], 1)
    rows = read_tsv(write_group(tmp_path, subjects=[subject]))
    assert [row["participant_id"] for row in rows] == ["sub-02"]


def test_a_folder_without_segmented_scans_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="participant level first"):
        write_group(tmp_path)
