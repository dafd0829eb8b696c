import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless import store
from lesionless.data.folders import find_scans
from lesionless.data.participants import read_participants
from lesionless.errors import UsageError
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.stages.normals import Normals
from lesionless.stages.prepare import brain_mask_path, prepare
from lesionless.stages.store_settings import load_settings, load_suffix, write_settings
from lesionless.training.normals import NormalsSettings

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
    run = prepare(cohort, prepared, replace(COARSE, threads=2), jobs=1)
    assert len(run.names("present")) == 5 and not run.names("done")
    assert before == {path: path.stat().st_mtime_ns for path in store.paths(prepared)}


def test_a_store_is_not_mixed_from_two_ways_of_preparing(cohort: Path, prepared: Path) -> None:
    with pytest.raises(UsageError, match="--overwrite"):
        prepare(cohort, prepared, replace(COARSE, n4=True), jobs=1)


def test_preparing_again_in_another_way_takes_all_scans(cohort: Path, tmp_path: Path) -> None:
    """Or none: a store is not mixed, not even where a scan fails or the run is stopped."""
    tree, out = copy_of(cohort, tmp_path / "in", "healthy001", "healthy002"), tmp_path / "out"
    prepare(tree, out, COARSE, jobs=1)
    one, other = tree / "sub-healthy001", replace(COARSE, curvature_iterations=1)
    with pytest.raises(UsageError, match="all scans that are in it"):
        prepare(one, out, other, jobs=1, overwrite=True)
    assert load_settings(out) == COARSE
    write_settings(out, other, "FLAIR")  # what a run leaves that is stopped at once
    with pytest.raises(UsageError, match="all scans that are in it"):
        prepare(one, out, other, jobs=1, overwrite=True)
    with pytest.raises(UsageError, match="without --overwrite"):
        list(Normals(out, "train", NormalsSettings()))
    next(tree.glob("sub-healthy002/anat/*_FLAIR.nii.gz")).write_text("no scan")
    run = prepare(tree, out, other, jobs=1)
    assert run.names("done") == ["sub-healthy001_FLAIR"]
    assert run.failed == ["sub-healthy002_FLAIR"]
    (scan,) = store.scans(out)
    assert scan.record["settings"]["curvature_iterations"] == 1


def test_a_scan_that_fails_when_prepared_again_in_the_same_way_stays(
    cohort: Path, tmp_path: Path
) -> None:
    tree, out = copy_of(cohort, tmp_path / "in", "healthy001"), tmp_path / "out"
    prepare(tree, out, COARSE, jobs=1)
    next(tree.rglob("*_FLAIR.nii.gz")).write_text("no scan")
    assert prepare(tree, out, COARSE, jobs=1, overwrite=True).failed
    assert len(store.paths(out)) == 1


@pytest.mark.parametrize("strip", ["deepbtt", "hd-bet", "mask"])
def test_a_method_that_is_not_there_leaves_no_trace(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strip: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"found none|found 'deepbtt'"):
        prepare(cohort, tmp_path / "out", replace(COARSE, strip=strip), jobs=1)
    assert not (tmp_path / "out").exists()


def test_settings_of_a_store_without_scans_bind_nobody(cohort: Path, tmp_path: Path) -> None:
    tree, out = copy_of(cohort, tmp_path / "in", "healthy001"), tmp_path / "out"
    write_settings(out, replace(COARSE, n4=True), "FLAIR")
    assert prepare(tree, out, COARSE, jobs=1).names("done")
    assert load_settings(out) == COARSE


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_folder_that_cannot_be_written_stops_no_other_scan(
    cohort: Path, tmp_path: Path, jobs: int
) -> None:
    tree, out = tmp_path / "in", tmp_path / "out"
    tree.mkdir()
    out.mkdir()
    (image,) = cohort.glob("sub-healthy001/anat/*_FLAIR.nii.gz")
    for letter in "ab":
        shutil.copy(image, tree / f"{letter}.nii.gz")
    (out / "sub-a").write_text("in the way")
    run = prepare(tree, out, COARSE, jobs=jobs)
    assert (run.failed, run.names("done")) == (["sub-a_FLAIR"], ["sub-b_FLAIR"])
    assert "sub-a" in run.message("sub-a_FLAIR") and "permissions" in run.message("sub-a_FLAIR")


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


def copy_of(cohort: Path, tree: Path, *subjects: str) -> Path:
    """Copy some subjects of the cohort, without lesion masks."""
    for subject in subjects:
        shutil.copytree(cohort / f"sub-{subject}", tree / f"sub-{subject}")
    return tree


def add_lesion(cohort: Path, tree: Path, subject: str) -> None:
    folder = tree / "derivatives" / "lesion" / f"sub-{subject}" / "anat"
    folder.mkdir(parents=True, exist_ok=True)
    mask = next(cohort.rglob(f"sub-{subject}_label-lesion_mask.nii.gz"))
    shutil.copy(mask, folder / f"sub-{subject}_label-lesion_mask.nii.gz")


def test_a_lesion_mask_that_is_added_or_changed_is_taken(cohort: Path, tmp_path: Path) -> None:
    tree, out = copy_of(cohort, tmp_path / "in", "patient001", "healthy001"), tmp_path / "out"
    prepare(tree, out, COARSE, jobs=1)
    assert all(scan.lesion is None for scan in store.scans(out))
    add_lesion(cohort, tree, "patient001")
    run = prepare(tree, out, COARSE, jobs=1)
    assert run.names("done") == ["sub-patient001_FLAIR"]
    assert run.names("present") == ["sub-healthy001_FLAIR"]
    assert store.load(out / "sub-patient001/sub-patient001_FLAIR_prepared.npz").lesion.any()
    mask = next(tree.rglob("*_label-lesion_mask.nii.gz"))
    lesion = nib.load(mask)
    nib.save(nib.Nifti1Image(np.zeros(lesion.shape, np.uint8), lesion.affine), mask)
    assert prepare(tree, out, COARSE, jobs=1).names("done") == ["sub-patient001_FLAIR"]
    assert not store.load(out / "sub-patient001/sub-patient001_FLAIR_prepared.npz").lesion.any()
    assert len(prepare(tree, out, COARSE, jobs=1).names("present")) == 2


def test_a_lesion_mask_that_is_gone_is_named(cohort: Path, tmp_path: Path) -> None:
    tree, out = copy_of(cohort, tmp_path / "in", "patient001"), tmp_path / "out"
    add_lesion(cohort, tree, "patient001")
    prepare(tree, out, COARSE, jobs=1)
    shutil.rmtree(tree / "derivatives")
    run = prepare(tree, out, COARSE, jobs=1)
    assert run.failed == ["sub-patient001_FLAIR"]
    assert "with no lesion mask, found" in run.message("sub-patient001_FLAIR")
    assert next(store.scans(out)).lesion.any()
    assert prepare(tree, out, COARSE, jobs=1, overwrite=True).names("done")
    assert next(store.scans(out)).lesion is None


def test_a_brain_mask_that_is_changed_is_taken(cohort: Path, tmp_path: Path) -> None:
    tree, out = copy_of(cohort, tmp_path / "in", "healthy001"), tmp_path / "out"
    brain = nib.load(next(cohort.rglob("sub-healthy001_desc-brain_mask.nii.gz")))
    settings, mask = replace(COARSE, strip="mask"), tmp_path / "brain.nii.gz"
    for n_slices, status in ((99, "done"), (15, "done"), (15, "present")):
        voxels = np.asarray(brain.dataobj).copy()
        voxels[:, :, n_slices:] = 0
        nib.save(nib.Nifti1Image(voxels, brain.affine), mask)
        run = prepare(tree, out, settings, masks=str(mask), jobs=1)
        assert run.names(status) == ["sub-healthy001_FLAIR"]


def test_a_cohort_that_was_moved_is_present(cohort: Path, tmp_path: Path) -> None:
    tree, out = copy_of(cohort, tmp_path / "in", "healthy001"), tmp_path / "out"
    prepare(tree, out, COARSE, jobs=1)
    moved = copy_of(cohort, tmp_path / "moved", "healthy001")
    assert prepare(moved, out, COARSE, jobs=1).names("present") == ["sub-healthy001_FLAIR"]


def test_another_scan_of_the_same_name_is_named_and_not_taken(cohort: Path, tmp_path: Path) -> None:
    first, out = copy_of(cohort, tmp_path / "first", "healthy001"), tmp_path / "out"
    prepare(first, out, COARSE, jobs=1)
    second = copy_of(cohort, tmp_path / "second", "healthy001", "healthy002")
    other = next(cohort.glob("sub-healthy003/anat/*_FLAIR.nii.gz"))
    shutil.copy(other, second / "sub-healthy001/anat/sub-healthy001_FLAIR.nii.gz")
    (second / "participants.tsv").write_text(
        "participant_id\tgroup\nsub-healthy001\tpatient\nsub-healthy002\thealthy\n"
    )
    before = store.load(store.paths(out)[0]).image
    run = prepare(second, out, COARSE, jobs=1)
    assert run.failed == ["sub-healthy001_FLAIR"] and run.names("done") == ["sub-healthy002_FLAIR"]
    message = run.message("sub-healthy001_FLAIR")
    assert str(first) in message and str(second) in message and "--overwrite" in message
    np.testing.assert_array_equal(store.load(store.paths(out)[0]).image, before)
    assert list(read_participants(out)) == ["healthy002"]


@pytest.mark.parametrize("part", ["sub-patient001", "sub-patient001/anat", "file"])
def test_a_part_of_a_tree_has_the_masks_and_participants_of_the_tree(
    cohort: Path, tmp_path: Path, part: str
) -> None:
    scan = "sub-patient001/anat/sub-patient001_FLAIR.nii.gz"
    run = prepare(cohort / (scan if part == "file" else part), tmp_path / "out", COARSE, jobs=1)
    assert run.names("done") == ["sub-patient001_FLAIR"]
    assert next(store.scans(tmp_path / "out")).lesion.any()
    assert read_participants(tmp_path / "out")["patient001"].group == "patient"


def test_a_header_without_orientation_is_named(cohort: Path, tmp_path: Path) -> None:
    scan = nib.load(next(cohort.glob("sub-healthy001/anat/*_FLAIR.nii.gz")))
    for code in (0, 1):
        scan.set_sform(scan.affine, code=code)
        scan.set_qform(scan.affine if code else None, code=code)
        (tmp_path / str(code)).mkdir()
        nib.save(scan, tmp_path / str(code) / "a.nii.gz")
        prepare(tmp_path / str(code), tmp_path / f"out{code}", COARSE, jobs=1)
    said = [
        any("left and right" in message for message in scan.record["messages"])
        for code in (0, 1)
        for scan in store.scans(tmp_path / f"out{code}")
    ]
    assert said == [True, False]


def test_a_second_tree_adds_its_participants(cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    trees = [copy_of(cohort, tmp_path / name, f"healthy00{name}") for name in "12"]
    for tree, name in zip(trees, "12", strict=True):
        (tree / "participants.tsv").write_text(f"participant_id\tage\nsub-healthy00{name}\t3\n")
        prepare(tree, out, COARSE, jobs=1)
    assert list(read_participants(out)) == ["healthy001", "healthy002"]
    (trees[1] / "participants.tsv").write_text("participant_id\tage\nsub-healthy001\t4\n")
    with pytest.raises(UsageError, match="age 3 of sub-healthy001"):
        prepare(trees[1], out, COARSE, jobs=1)


def test_contrasts_are_not_mixed_in_a_store(cohort: Path, tmp_path: Path) -> None:
    tree, out = copy_of(cohort, tmp_path / "in", "healthy001"), tmp_path / "out"
    flair = next(tree.rglob("*_FLAIR.nii.gz"))
    shutil.copy(flair, flair.with_name("sub-healthy001_T1w.nii.gz"))
    prepare(tree, out, COARSE, jobs=1)
    assert json.loads((out / "prepare.json").read_text())["suffix"] == "FLAIR"
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="one of FLAIR"):
            prepare(tree, out, COARSE, suffix="T1w", jobs=1, overwrite=overwrite)
    assert len(store.paths(out)) == 1
    assert prepare(tree, tmp_path / "T1w", COARSE, suffix="T1w", jobs=1).names("done")
    assert load_suffix(tmp_path / "T1w") == "T1w"
    with pytest.raises(UsageError, match="another folder"):
        prepare(tree, tree, COARSE, jobs=1)


def as_before(out: Path) -> None:
    """Take from a store what earlier versions did not record."""
    for path in store.paths(out):
        scan = store.load(path)
        kept = {key: value for key, value in scan.record.items() if key != "sources"}
        store.save(out, replace(scan, record=kept))
    fields = json.loads((out / "prepare.json").read_text())
    del fields["suffix"]
    (out / "prepare.json").write_text(json.dumps(fields))


def test_a_table_whose_labels_lost_their_zeros_is_refused(cohort: Path, tmp_path: Path) -> None:
    tree = copy_of(cohort, tmp_path / "in", "patient001")
    (tree / "sub-patient001").rename(tree / "sub-001")
    for path in tree.glob("sub-001/anat/*"):
        path.rename(path.with_name(path.name.replace("patient001", "001")))
    (tree / "participants.tsv").write_text("participant_id\tgroup\n1\tpatient\n")
    with pytest.raises(UsageError, match="expected sub-001"):
        prepare(tree, tmp_path / "out", COARSE, jobs=1)
    assert not (tmp_path / "out").exists()


def test_a_store_of_an_earlier_version_stays_in_use(
    cohort: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tree, out = copy_of(cohort, tmp_path / "in", "patient001"), tmp_path / "out"
    prepare(tree, out, COARSE, jobs=1)
    as_before(out)
    assert load_settings(out) == COARSE
    assert load_suffix(out) == "FLAIR"
    flair = next(tree.rglob("*_FLAIR.nii.gz"))
    shutil.copy(flair, flair.with_name("sub-patient001_T1w.nii.gz"))
    with pytest.raises(UsageError, match="one of FLAIR"):
        prepare(tree, out, COARSE, suffix="T1w", jobs=1)
    assert prepare(tree, out, COARSE, jobs=1).names("present") == ["sub-patient001_FLAIR"]
    assert not caplog.text
    add_lesion(cohort, tree, "patient001")
    assert prepare(tree, out, COARSE, jobs=1).names("present") == ["sub-patient001_FLAIR"]
    assert "expected reference lesions" in caplog.text
