"""The right files are found, masks and own outputs are not, and collisions are refused."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lesionless.data.bids import name_of
from lesionless.data.folders import Input, find_masks, find_scans, mask_of
from lesionless.errors import UsageError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("not an image")
    return root


def found(root: Path, **options: object) -> list[str]:
    return [scan.path.relative_to(root).as_posix() for scan in find_scans(root, **options)]  # type: ignore[arg-type]


def test_a_bids_tree_gives_its_raw_flairs_and_nothing_else(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "dataset_description.json",
        "sub-1/anat/sub-1_FLAIR.nii.gz",
        "sub-1/anat/sub-1_FLAIR.json",
        "sub-1/anat/sub-1_T1w.nii.gz",
        "sub-2/ses-a/anat/sub-2_ses-a_run-1_FLAIR.nii",
        "sub-2/ses-b/anat/sub-2_ses-b_FLAIR.nii.gz",
        "sub-2/ses-b/anat/.partial-x/sub-2_ses-b_FLAIR.nii.gz",
        "sub-2/derivatives/sub-2_desc-preproc_FLAIR.nii.gz",
        "derivatives/lesion/sub-1/anat/sub-1_label-lesion_mask.nii.gz",
        "derivatives/other/sub-1/anat/sub-1_desc-preproc_FLAIR.nii.gz",
        "sourcedata/sub-1/anat/sub-1_FLAIR.nii.gz",
    )
    assert found(tmp_path) == [
        "sub-1/anat/sub-1_FLAIR.nii.gz",
        "sub-2/ses-a/anat/sub-2_ses-a_run-1_FLAIR.nii",
        "sub-2/ses-b/anat/sub-2_ses-b_FLAIR.nii.gz",
    ]
    assert found(tmp_path, suffix="T1w") == ["sub-1/anat/sub-1_T1w.nii.gz"]


def test_sessions_and_their_folders_may_be_links(tmp_path: Path) -> None:
    """As `datalad` and scripts that build a tree make them."""
    tree, elsewhere = tmp_path / "bids", tmp_path / "elsewhere"
    scans = ["sub-1/ses-2/anat/sub-1_ses-2_FLAIR.nii.gz", "sub-2/anat/sub-2_FLAIR.nii.gz"]
    touch(elsewhere, *scans)
    touch(tree, "sub-1/ses-1/anat/sub-1_ses-1_FLAIR.nii.gz", "sub-2/dwi/x.txt")
    (tree / "sub-1" / "ses-2").symlink_to(elsewhere / "sub-1" / "ses-2")
    (tree / "sub-2" / "anat").symlink_to(elsewhere / "sub-2" / "anat")
    (tree / "sub-1" / "ses-latest").symlink_to("ses-2")
    assert found(tree) == ["sub-1/ses-1/anat/sub-1_ses-1_FLAIR.nii.gz", *scans]
    assert find_scans(tree / "sub-1")[1].path == tree / scans[0]


def test_a_tree_without_the_contrast_says_which_there_are(tmp_path: Path) -> None:
    touch(tmp_path, "sub-1/anat/sub-1_T1w.nii.gz", "sub-1/anat/sub-1_T2w.nii.gz")
    with pytest.raises(UsageError, match=r"found \*_T1w, \*_T2w\. Check"):
        find_scans(tmp_path, subjects=["1"])
    touch(tmp_path / "own", "sub-1/anat/sub-1_space-orig_desc-anomaly_FLAIR.nii.gz")
    with pytest.raises(UsageError, match=r"found none\. Check"):
        find_scans(tmp_path / "own")


def test_a_subject_that_is_not_there_is_told_of_those_who_are(tmp_path: Path) -> None:
    touch(tmp_path, *(f"sub-{n:02}/anat/sub-{n:02}_FLAIR.nii.gz" for n in range(12)))
    with pytest.raises(UsageError, match=r"none of 3\. Check .*there are 00, 01, .*2 more"):
        find_scans(tmp_path, subjects=["3"])
    with pytest.raises(UsageError, match=r"found none\. Name them"):
        find_scans(tmp_path, subjects=[])


def test_a_tree_of_stripped_scans_is_read_without_its_masks(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "sub-07/anat/sub-07_space-MNI152_desc-brain_FLAIR.nii.gz",
        "sub-07/anat/sub-07_space-MNI152_label-lesion_mask.nii.gz",
        "sub-08/anat/sub-08_space-MNI152_label-lesion_mask.nii.gz",
    )
    assert found(tmp_path) == ["sub-07/anat/sub-07_space-MNI152_desc-brain_FLAIR.nii.gz"]


def test_a_folder_gives_plain_files_of_every_kind_but_masks(tmp_path: Path) -> None:
    touch(
        tmp_path,
        *("a.nii", "b.nii.gz", "c.img", "c.hdr", "d_mask.nii.gz", "notes.txt"),
        *("sub-1_T1w.nii.gz", "sub-1_FLAIR.nii.gz", "deeper/e.nii.gz"),
    )
    names = [scan.name.stem for scan in find_scans(tmp_path)]
    assert names == ["sub-1_FLAIR", "sub-a_FLAIR", "sub-b_FLAIR", "sub-c_FLAIR"]


@pytest.mark.parametrize("below", ["sub-1", "sub-1/ses-a", "sub-1/ses-a/anat"])
def test_a_part_of_a_tree_is_a_folder_too(tmp_path: Path, below: str) -> None:
    touch(tmp_path, "sub-1/ses-a/anat/sub-1_ses-a_FLAIR.nii.gz")
    assert len(find_scans(tmp_path / below)) == 1


def test_own_maps_are_not_taken_for_scans(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "patient.nii.gz",
        "sub-patient/anat/sub-patient_space-orig_desc-anomaly_FLAIR.nii.gz",
        "sub-patient/anat/sub-patient_space-orig_desc-lesionless_FLAIR.nii.gz",
    )
    assert found(tmp_path) == ["patient.nii.gz"]


@pytest.mark.parametrize("given", ["a.nii.gz", "sub-1_T1w.nii.gz"])
def test_one_file_is_taken_whatever_its_suffix(tmp_path: Path, given: str) -> None:
    touch(tmp_path, given)
    assert [scan.path.name for scan in find_scans(tmp_path / given)] == [given]


def test_the_header_of_a_pair_stands_for_its_image(tmp_path: Path) -> None:
    touch(tmp_path, "a.img", "a.hdr")
    assert find_scans(tmp_path / "a.hdr") == [Input(tmp_path / "a.img", name_of(Path("a.img")))]


@pytest.mark.parametrize("given", ["missing.nii.gz", "notes.txt", "a_mask.nii.gz"])
def test_one_file_that_is_no_scan_is_refused_by_name(tmp_path: Path, given: str) -> None:
    touch(tmp_path, "notes.txt", "a_mask.nii.gz")
    with pytest.raises(UsageError, match=given):
        find_scans(tmp_path / given)


def test_an_empty_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"sub-\*.*_FLAIR\.nii\.gz"):
        find_scans(tmp_path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pat-1.nii", "pat_1.nii.gz"),
        ("sub-1_FLAIR.nii", "sub-1_FLAIR.nii.gz"),
        ("sub-1_FLAIR.nii.gz", "sub-1_space-MNI152_desc-brain_FLAIR.nii.gz"),
    ],
)
def test_scans_with_the_same_outputs_are_refused_and_both_named(
    tmp_path: Path, one: str, other: str
) -> None:
    touch(tmp_path, one, other)
    with pytest.raises(UsageError) as error:
        find_scans(tmp_path)
    assert f"{tmp_path / one}" in str(error.value)
    assert f"{tmp_path / other}" in str(error.value)


def test_runs_do_not_collide(tmp_path: Path) -> None:
    touch(tmp_path, "sub-1_run-1_FLAIR.nii.gz", "sub-1_run-2_FLAIR.nii.gz")
    assert len(find_scans(tmp_path)) == 2


def test_only_the_subjects_asked_for_are_taken(tmp_path: Path) -> None:
    touch(tmp_path, *(f"sub-{n}/anat/sub-{n}_FLAIR.nii.gz" for n in "123"))
    chosen = find_scans(tmp_path, subjects=["sub-3", "1"])
    assert [scan.subject for scan in chosen] == ["1", "3"]
    with pytest.raises(UsageError, match="7, 9"):
        find_scans(tmp_path, subjects=["1", "9", "7"])


def test_a_scan_left_out_for_its_name_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touch(tmp_path, "sub-1/anat/sub-1_FLAIR.nii.gz", "sub-1/anat/flair.nii.gz")
    with caplog.at_level(logging.WARNING):
        assert len(find_scans(tmp_path)) == 1
    assert "sub-1/anat/flair.nii.gz" in caplog.text


def test_masks_come_from_the_lesion_derivative_by_label(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "sub-1/anat/sub-1_FLAIR.nii.gz",
        "derivatives/lesion/sub-1/anat/sub-1_label-lesion_mask.nii.gz",
        "derivatives/lesion/sub-1/anat/sub-1_label-ventricles_mask.nii.gz",
        "derivatives/lesion/sub-2/anat/sub-2_label-normalwmh_mask.nii.gz",
    )
    assert [mask.path.name for mask in find_masks(tmp_path)] == ["sub-1_label-lesion_mask.nii.gz"]
    assert [mask.subject for mask in find_masks(tmp_path, label="ventricles")] == ["1"]
    lesion_folder = tmp_path / "derivatives" / "lesion"
    assert find_masks(lesion_folder) == find_masks(tmp_path)


@pytest.mark.parametrize("link", ["sub-1", "ses-1", "anat"])
def test_folders_may_be_links_to_others_elsewhere(tmp_path: Path, link: str) -> None:
    """So a part of a cohort is made: its masks must not be lost, or lesions pass for normal."""
    names = ("sub-1_ses-1_FLAIR.nii.gz", "sub-1_ses-1_label-lesion_mask.nii.gz")
    touch(tmp_path / "cohort", *(f"{link}/{name}" for name in names))
    part = tmp_path / "part"
    for tree in (part, part / "derivatives" / "lesion"):
        tree.mkdir(parents=True)
        (tree / link).symlink_to(tmp_path / "cohort" / link)
    assert found(part) == [f"{link}/{names[0]}"]
    assert [mask.subject for mask in find_masks(part)] == ["1"]


def test_without_a_lesion_derivative_masks_come_from_the_tree_itself(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "sub-1/anat/sub-1_space-A_label-lesion_mask.nii.gz",
        "sub-1/anat/.partial-x/sub-1_label-lesion_mask.nii.gz",
        "derivatives/other/sub-1/anat/sub-1_label-lesion_mask.nii.gz",
    )
    assert [mask.path.name for mask in find_masks(tmp_path)] == [
        "sub-1_space-A_label-lesion_mask.nii.gz"
    ]


def test_a_missing_mask_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        find_masks(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("scan", "masks", "expected"),
    [
        ("sub-1_FLAIR", ["sub-1_label-lesion_mask", "sub-2_label-lesion_mask"], 0),
        ("sub-1_ses-b_FLAIR", ["sub-1_ses-a_label-lesion_mask"], None),
        ("sub-1_ses-b_FLAIR", ["sub-1_label-lesion_mask"], None),
        ("sub-1_run-2_FLAIR", ["sub-1_run-1_label-lesion_mask"], None),
        ("sub-1_run-2_FLAIR", ["sub-1_label-lesion_mask"], 0),
        ("sub-1_run-2_FLAIR", ["sub-1_label-lesion_mask", "sub-1_run-2_label-lesion_mask"], 1),
        ("sub-1_FLAIR", ["sub-1_space-A_label-lesion_mask", "sub-1_label-lesion_mask"], 1),
        ("sub-1_FLAIR", ["sub-1_space-A_label-lesion_mask"], 0),
        ("sub-1_space-A_desc-x_FLAIR", ["sub-1_space-A_label-lesion_mask"], 0),
    ],
)
def test_the_mask_of_a_scan_is_chosen_by_its_entities(
    scan: str, masks: list[str], expected: int | None
) -> None:
    inputs = [Input(Path(f"{mask}.nii.gz"), name_of(Path(mask))) for mask in masks]
    chosen = mask_of(name_of(Path(scan)), inputs)
    assert chosen == (None if expected is None else inputs[expected])


def test_two_masks_that_fit_a_scan_are_refused() -> None:
    names = ["sub-1_label-lesion_mask", "sub-1_label-lesion_desc-rater2_mask"]
    inputs = [Input(Path(f"{name}.nii.gz"), name_of(Path(name))) for name in names]
    with pytest.raises(UsageError, match="rater2"):
        mask_of(name_of(Path("sub-1_FLAIR")), inputs)


REAL = os.environ.get("LESIONLESS_DATA")


@pytest.mark.real
@pytest.mark.skipif(REAL is None, reason="LESIONLESS_DATA is not set")
@pytest.mark.parametrize(
    ("tree", "n_scans", "n_masks"),
    [
        ("lgg-flair", 60, 60),
        ("ms-tabriz", 7, 7),
        ("mslub-mni", 1, 1),
        ("mslub-longitudinal", 9, 0),
        ("healthy-flair", 1, 0),
    ],
)
def test_every_scan_of_the_real_trees_is_found_with_its_mask(
    tree: str, n_scans: int, n_masks: int
) -> None:
    root = Path(str(REAL)) / tree
    scans = find_scans(root)
    masks = find_masks(root)
    assert len(scans) == n_scans
    assert sum(mask_of(scan.name, masks) is not None for scan in scans) == n_masks


def touch_dicom(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "IM0001").write_bytes(bytes(128) + b"DICM")
    return folder


def test_a_folder_of_dicom_files_is_one_scan_by_its_own_name(tmp_path: Path, monkeypatch) -> None:
    series = touch_dicom(tmp_path / "Patient 7")
    (scan,) = find_scans(series)
    assert (scan.path, scan.name.stem) == (series, "sub-Patient7_FLAIR")
    monkeypatch.chdir(series)
    assert find_scans(Path())[0].name.stem == "sub-Patient7_FLAIR"


def test_folders_of_dicom_files_inside_are_a_scan_each(tmp_path: Path) -> None:
    touch_dicom(tmp_path / "b")
    touch_dicom(tmp_path / "sub-a_ses-1_FLAIR")
    touch(tmp_path, "c/notes.txt")
    assert [scan.name.stem for scan in find_scans(tmp_path)] == [
        "sub-a_ses-1_FLAIR",
        "sub-b_FLAIR",
    ]


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Let a folder refuse to be listed, as one of another user does."""
    listed = os.scandir

    def hidden(folder: Path) -> None:
        def scandir(path: Any = ".") -> Any:
            if Path(path) == folder:
                raise PermissionError(13, "Permission denied", str(path))
            return listed(path)

        monkeypatch.setattr(os, "scandir", scandir)

    return hidden


def test_a_subject_that_cannot_be_listed_is_named(
    tmp_path: Path, hide: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    for subject in ("1", "2"):
        touch(tmp_path, f"sub-{subject}/anat/sub-{subject}_FLAIR.nii.gz")
    hide(tmp_path / "sub-1" / "anat")
    assert [scan.subject for scan in find_scans(tmp_path)] == ["2"]
    assert "sub-1/anat is left out: it cannot be listed" in caplog.text


def test_scans_right_inside_a_folder_are_no_folders_that_cannot_be_listed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touch(tmp_path, "sub-1_FLAIR.nii.gz", "sub-2_FLAIR.nii.gz")
    assert [scan.subject for scan in find_scans(tmp_path)] == ["1", "2"]
    assert not caplog.text


def test_what_a_tree_sets_aside_need_not_be_listed(
    tmp_path: Path, hide: Callable[[Path], None]
) -> None:
    touch(tmp_path, "sourcedata/raw.txt", "sub-1/anat/sub-1_label-lesion_mask.nii.gz")
    hide(tmp_path / "sourcedata")
    assert [mask.subject for mask in find_masks(tmp_path)] == ["1"]


def test_masks_that_cannot_be_listed_are_refused(
    tmp_path: Path, hide: Callable[[Path], None]
) -> None:
    for subject in ("1", "2"):
        touch(tmp_path, f"derivatives/lesion/sub-{subject}/sub-{subject}_label-lesion_mask.nii.gz")
    assert len(find_masks(tmp_path)) == 2
    hide(tmp_path / "derivatives" / "lesion" / ".trash")
    assert len(find_masks(tmp_path)) == 2
    hide(tmp_path / "derivatives" / "lesion" / "sub-1")
    with pytest.raises(UsageError, match="sub-1: expected a folder whose masks can be listed"):
        find_masks(tmp_path)


def test_nifti_files_go_before_dicom_files(tmp_path: Path) -> None:
    touch(touch_dicom(tmp_path), "a.nii.gz")
    assert found(tmp_path) == ["a.nii.gz"]
