"""The phantom cohort on disk: a BIDS data set, the same bytes for the same call."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.data.phantom import COARSE, write_cohort
from lesionless.errors import UsageError


def _files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("phantom") / "cohort"
    write_cohort(out, healthy=3, patients=2, seed=5, settings=COARSE)
    return out


def test_one_call_gives_the_same_bytes_again(cohort: Path, tmp_path: Path) -> None:
    write_cohort(tmp_path, healthy=3, patients=2, seed=5, settings=COARSE)
    assert _files(tmp_path) == _files(cohort)


def test_a_larger_cohort_begins_with_the_smaller_one(cohort: Path, tmp_path: Path) -> None:
    write_cohort(tmp_path, healthy=1, patients=1, seed=5, settings=COARSE)
    for name in ("sub-healthy001", "sub-patient001"):
        scan = f"{name}/anat/{name}_FLAIR.nii.gz"
        assert (tmp_path / scan).read_bytes() == (cohort / scan).read_bytes()


def test_another_seed_gives_another_brain(cohort: Path, tmp_path: Path) -> None:
    write_cohort(tmp_path, healthy=1, patients=0, seed=6, settings=COARSE)
    mask = "derivatives/brain/sub-healthy001/anat/sub-healthy001_desc-brain_mask.nii.gz"
    assert (tmp_path / mask).read_bytes() != (cohort / mask).read_bytes()


def test_healthy_people_and_patients_have_different_brains(cohort: Path) -> None:
    folder = cohort / "derivatives/brain"
    masks = {path.read_bytes() for path in folder.rglob("*_mask.nii.gz")}
    assert len(masks) == 5


def test_layout_is_bids(cohort: Path) -> None:
    for folder in (cohort, cohort / "derivatives/lesion", cohort / "derivatives/brain"):
        description = json.loads((folder / "dataset_description.json").read_text())
        assert {"Name", "BIDSVersion", "DatasetType"} <= set(description)
    for name in ("sub-healthy003", "sub-patient002"):
        scan = nib.load(cohort / f"{name}/anat/{name}_FLAIR.nii.gz")
        mask = nib.load(cohort / f"derivatives/lesion/{name}/anat/{name}_label-lesion_mask.nii.gz")
        assert scan.shape == mask.shape
        assert np.array_equal(scan.affine, mask.affine)
        assert nib.aff2axcodes(scan.affine) == ("R", "A", "S")
        assert (cohort / f"{name}/anat/{name}_FLAIR.json").is_file()


def test_participants_agree_with_the_masks(cohort: Path) -> None:
    header, *rows = [
        line.split("\t") for line in (cohort / "participants.tsv").read_text().splitlines()
    ]
    assert len(rows) == 5
    for row in rows:
        subject = dict(zip(header, row, strict=True))
        name = subject["participant_id"]
        mask = nib.load(cohort / f"derivatives/lesion/{name}/anat/{name}_label-lesion_mask.nii.gz")
        volume_ml = np.count_nonzero(mask.dataobj) * np.prod(mask.header.get_zooms()) / 1000
        assert float(subject["lesion_volume_ml"]) == pytest.approx(volume_ml, abs=2e-3)
        assert (subject["group"] == "patient") == (subject["split"] == "test") == (volume_ml > 0)
        assert float(subject["thickness_mm"]) == pytest.approx(
            float(mask.header.get_zooms()[2]), abs=1e-3
        )


def test_a_folder_with_something_else_is_refused(cohort: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="new or empty folder"):
        write_cohort(tmp_path, healthy=1, patients=0, seed=5, settings=COARSE)
    with pytest.raises(UsageError, match="new or empty folder"):
        write_cohort(cohort, healthy=1, patients=0, seed=6, settings=COARSE)
    with pytest.raises(UsageError, match="at least one subject"):
        write_cohort(tmp_path / "new", healthy=0, patients=0, seed=5, settings=COARSE)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"thickness_mm": 0.0}, "0.5 to 12 mm"),
        ({"thickness_mm": float("nan")}, "0.5 to 12 mm"),
        ({"seed": -1}, "seed of at least 0"),
        ({"workers": 0}, "at least 1 worker"),
        ({"healthy": -1}, "at least one subject"),
    ],
)
def test_numbers_out_of_range_are_refused(
    option: dict[str, float], message: str, tmp_path: Path
) -> None:
    call = {"healthy": 1, "patients": 1, "seed": 0, "settings": COARSE} | option
    with pytest.raises(UsageError, match=message):
        write_cohort(tmp_path / "new", **call)
    assert not (tmp_path / "new").exists()


def test_a_stopped_run_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    call = {"healthy": 2, "patients": 1, "seed": 5, "settings": COARSE}
    write_cohort(tmp_path, **call)
    whole = _files(tmp_path)
    kept = tmp_path / "sub-healthy001/anat/sub-healthy001_FLAIR.nii.gz"
    times = kept.stat().st_mtime_ns
    for name in ("sub-healthy002/anat/sub-healthy002_FLAIR.nii.gz", "participants.tsv"):
        (tmp_path / name).unlink()
    write_cohort(tmp_path, **call)
    assert _files(tmp_path) == whole
    assert kept.stat().st_mtime_ns == times


def test_processes_give_the_same_bytes(cohort: Path, tmp_path: Path) -> None:
    messages: list[str] = []
    write_cohort(
        tmp_path,
        healthy=3,
        patients=2,
        seed=5,
        settings=COARSE,
        workers=2,
        progress=messages.append,
    )
    assert _files(tmp_path) == _files(cohort)
    assert len(messages) == 5
    assert messages[-1] == "sub-patient002 (5 of 5)"


def test_splits_keep_healthy_people_for_training_and_validation(tmp_path: Path) -> None:
    subjects = write_cohort(tmp_path, healthy=7, patients=1, seed=5, settings=COARSE)
    splits = [subject.split for subject in subjects]
    assert sorted(splits[:7]) == ["train"] * 6 + ["val"]
    assert splits[7] == "test"


def test_head_and_thickness_are_as_asked_and_recorded(tmp_path: Path) -> None:
    (subject,) = write_cohort(
        tmp_path, healthy=1, patients=0, seed=5, settings=COARSE, skull=True, thickness_mm=5.0
    )
    sidecar = tmp_path / "sub-healthy001/anat/sub-healthy001_FLAIR.json"
    recorded = json.loads(sidecar.read_text())
    assert subject.thickness_mm == recorded["SliceThickness"] == 5.0
    assert recorded["SkullStripped"] is False
    scan = nib.load(sidecar.with_suffix(".nii.gz"))
    assert scan.header.get_zooms()[2] == pytest.approx(5.0)
    assert np.count_nonzero(scan.dataobj) > 0.9 * np.prod(scan.shape)
