import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lesionless import store
from lesionless.data.folders import find_scans
from lesionless.errors import UsageError
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.stages.prepare import brain_mask_path, load_settings, prepare

from .conftest import COARSE


def test_store_holds_every_subject_with_its_lesions(prepared: Path) -> None:
    scans = {scan.subject: scan for scan in store.scans(prepared)}
    assert len(scans) == 5
    patient = scans["patient001"]
    assert patient.lesion is not None and patient.lesion.any()
    assert patient.image[patient.lesion].mean() > patient.image[patient.brain].mean()
    assert not scans["healthy001"].lesion.any()


def test_second_run_finds_everything_present(cohort: Path, prepared: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.paths(prepared)}
    run = prepare(cohort, prepared, COARSE, jobs=1)
    assert len(run.names("present")) == 5 and not run.names("done")
    assert before == {path: path.stat().st_mtime_ns for path in store.paths(prepared)}


def test_a_store_is_not_mixed_from_two_ways_of_preparing(cohort: Path, prepared: Path) -> None:
    with pytest.raises(UsageError, match="--overwrite"):
        prepare(cohort, prepared, replace(COARSE, n4=True), jobs=1)


def test_settings_are_kept_without_those_that_change_no_number(prepared: Path) -> None:
    assert load_settings(prepared) == COARSE
    with pytest.raises(UsageError, match="lesionless prepare"):
        load_settings(prepared / "nowhere")


def test_a_bad_scan_is_noted_and_the_others_go_on(cohort: Path, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    good = next(cohort.glob("sub-healthy001/anat/*.nii.gz"))
    shutil.copy(good, source / "good.nii.gz")
    (source / "text.nii.gz").write_text("no scan")
    (source / "cut.nii.gz").write_bytes(good.read_bytes()[:2000])
    run = prepare(source, tmp_path / "out", COARSE, jobs=1)
    assert sorted(run.failed) == ["sub-cut_FLAIR", "sub-text_FLAIR"]
    assert run.names("done") == ["sub-good_FLAIR"]
    noted = json.loads((tmp_path / "out" / "run.json").read_text())
    assert noted["status"] == "incomplete"
    assert "text.nii.gz" in noted["scans"]["sub-text_FLAIR"]["message"]


def test_input_files_are_never_changed(cohort: Path, tmp_path: Path) -> None:
    scan = next(cohort.glob("sub-patient001/anat/*.nii.gz"))
    before = scan.read_bytes(), sorted(cohort.rglob("*"))
    prepare(scan, tmp_path / "out", COARSE, jobs=1)
    assert before == (scan.read_bytes(), sorted(cohort.rglob("*")))


def test_user_masks_are_found_by_pattern(cohort: Path, tmp_path: Path) -> None:
    scan = next(s for s in find_scans(cohort) if s.subject == "patient001")
    pattern = str(cohort / "derivatives/lesion/sub-{subject}/anat/*_mask.nii.gz")
    found = brain_mask_path(scan, pattern)
    assert found.name.startswith("sub-patient001") and found.exists()
    with pytest.raises(UsageError, match="found 0"):
        brain_mask_path(scan, str(tmp_path / "{name}.nii.gz"))


def test_a_given_mask_replaces_stripping(cohort: Path, tmp_path: Path) -> None:
    from lesionless.data.scan import read_scan, write_volume

    path = next(cohort.glob("sub-healthy002/anat/*.nii.gz"))
    scan = read_scan(path)
    mask = scan.image > 0
    write_volume(tmp_path / "healthy002_brain.nii.gz", mask, scan)
    run = prepare(
        path,
        tmp_path / "out",
        PrepareSettings(strip="mask", n4=False, curvature_iterations=0, matrix=64),
        masks=str(tmp_path / "{subject}_brain.nii.gz"),
        jobs=1,
    )
    assert not run.failed
    scan_brain = next(store.scans(tmp_path / "out")).scan_brain
    assert np.mean(scan_brain == mask) > 0.99
