"""DICOM series below a folder: where they are found, what they are called, which are taken."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from lesionless.data.folders import find_scans
from lesionless.data.series import find_series
from lesionless.errors import UsageError


def export(folder: Path, description: str = "", *, protocol: str = "") -> Path:
    """Write one image as a scanner's archive does, among files that are none."""
    folder.mkdir(parents=True)
    image = SimpleITK.GetImageFromArray(np.zeros((1, 4, 4), np.int16))
    image.SetMetaData("0008|0060", "MR")
    for tag, text in (("0008|103e", description), ("0018|1030", protocol)):
        if text:
            image.SetMetaData(tag, text)
    SimpleITK.WriteImage(image, str(folder / "IM0001.dcm"))
    (folder / "IM0000.txt").write_text("not an image")
    return folder


def names(folder: Path, suffix: str = "FLAIR") -> list[str]:
    """Name the series without the folder that is given."""
    found = find_series(folder, suffix)
    return [series.name.removeprefix(f"{folder.name}-") for series in found]


def test_series_are_found_at_any_depth_and_named_by_the_folders_that_lead_to_them(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "export"
    deep = export(folder / "Patient 7" / "2026-01-02" / "series 5")
    export(folder / "b")
    assert [(scan.path, scan.name.stem) for scan in find_scans(folder)] == [
        (folder / "b", "sub-b_FLAIR"),
        (deep, "sub-exportPatient720260102series5_FLAIR"),
    ]


def test_the_same_series_of_two_patients_differ(tmp_path: Path) -> None:
    for patient in ("P1", "P2"):
        export(tmp_path / patient / "study" / "flair")
    found = [find_series(tmp_path / patient, "FLAIR")[0].name for patient in ("P1", "P2")]
    assert found == ["P1-study-flair", "P2-study-flair"]


def test_of_an_export_the_series_that_are_asked_for_are_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    export(tmp_path / "1" / "a", "Ax T2 FLAIR FS")
    export(tmp_path / "1" / "b", "Sag MPRAGE", protocol="Head FLAIR MPRAGE")
    export(tmp_path / "1" / "c", "Ax T1 FLAIR")
    export(tmp_path / "1" / "d", "t1_tirm_tra_dark-fluid")
    export(tmp_path / "2" / "a", "t2_tirm_tra_Dark-Fluid_4mm")
    export(tmp_path / "2" / "b", "", protocol="3D Brain FLAIR")
    export(tmp_path / "2" / "c")  # says nothing: may be one
    with caplog.at_level(logging.WARNING):
        assert names(tmp_path) == ["1-a", "2-a", "2-b", "2-c"]
    assert "3 of 7 DICOM series are left out" in caplog.text
    assert "Sag MPRAGE" in caplog.text
    assert names(tmp_path, "MPRAGE") == ["1-b", "2-c"]


def put_together(folder: Path, *descriptions: str, numbers: str = "") -> Path:
    """Write two images each of several series into one folder, as flat exports have them."""
    folder.mkdir()
    writer = SimpleITK.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.KeepOriginalImageUIDOn()
    for place, description in enumerate(descriptions, 1):
        image = SimpleITK.GetImageFromArray(np.zeros((1, 4, 4), np.int16))
        for tag, text in (("0008|103e", description), ("0020|000e", f"1.2.{place}")):
            image.SetMetaData(tag, text)
        if numbers:
            image.SetMetaData("0020|0011", numbers[place - 1])
        for index in (1, 2):
            writer.SetFileName(str(folder / f"I{index}S{place}"))
            writer.Execute(image)
    return folder


def test_of_several_series_in_one_folder_the_one_that_is_asked_for_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = put_together(tmp_path / "flat", "localiser", "Ax FLAIR", "MPRAGE", numbers="152")
    (scan,) = find_scans(folder)
    assert (scan.path, scan.name.stem) == (folder / "I1S2", "sub-flat5_FLAIR")
    assert "2 of 3 DICOM series are left out" in caplog.text
    assert [scan.name.stem for scan in find_scans(tmp_path)] == ["sub-flat5_FLAIR"]


def test_a_file_stands_for_its_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put_together(tmp_path / "flat", "localiser", "Ax FLAIR", numbers="15")
    monkeypatch.chdir(folder)
    for file in (folder / "I2S1", Path("I2S1")):
        (scan,) = find_scans(file)
        assert (scan.path, scan.name.stem) == (folder / "I1S1", "sub-flat1_FLAIR")
    (scan,) = find_scans(export(tmp_path / "alone") / "IM0001.dcm")
    assert (scan.path, scan.name.stem) == (tmp_path / "alone", "sub-alone_FLAIR")


def test_a_file_by_a_path_that_leads_upwards_has_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = put_together(tmp_path / "flat", "localiser", "Ax FLAIR", numbers="15")
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    (scan,) = find_scans(Path("../I2S1"))
    assert scan.name.stem == "sub-flat1_FLAIR"


def test_a_file_of_no_series_is_refused(tmp_path: Path) -> None:
    folder = put_together(tmp_path / "flat", "localiser", "Ax FLAIR", numbers="15")
    (folder / "X").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(UsageError, match="belongs to none of those"):
        find_scans(folder / "X")
    (folder / "I1S1").rename(folder / "DICOMDIR")
    with pytest.raises(UsageError, match="expected a NIfTI file"):
        find_scans(folder / "DICOMDIR")


@pytest.mark.parametrize("numbers", ["", "55"])
def test_series_without_a_number_of_their_own_are_counted(tmp_path: Path, numbers: str) -> None:
    folder = put_together(tmp_path / "flat", "Ax FLAIR", "Sag FLAIR", numbers=numbers)
    assert [scan.name.stem for scan in find_scans(folder)] == ["sub-flat1_FLAIR", "sub-flat2_FLAIR"]


def test_where_no_description_fits_all_are_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    export(tmp_path / "a", "Series 5")
    export(tmp_path / "b", "Series 6")
    assert names(tmp_path) == ["a", "b"]
    assert not caplog.text


def test_a_series_that_is_named_itself_is_taken_whatever_it_shows(tmp_path: Path) -> None:
    assert names(export(tmp_path / "a", "Sag MPRAGE")) == ["a"]


def test_the_directory_of_an_export_is_no_image(tmp_path: Path) -> None:
    inner = export(tmp_path / "DICOM" / "0001", "FLAIR")
    for name in ("DICOMDIR", "dicomdir", "DICOMDIR.;1"):
        (tmp_path / name).write_bytes((inner / "IM0001.dcm").read_bytes())
    assert names(tmp_path) == ["DICOM-0001"]


@pytest.mark.parametrize("kind", ["1.3.10", "5.1.4.1.1.88.22", "5.1.4.1.1.104.1"])
def test_reports_and_the_like_are_no_images(tmp_path: Path, kind: str) -> None:
    export(tmp_path / "a", "FLAIR")
    (tmp_path / "b").mkdir()
    head = bytes(128) + b"DICM" + bytes(40) + b"1.2.840.10008." + kind.encode() + bytes(2000)
    (tmp_path / "b" / "IM0001").write_bytes(head)
    assert names(tmp_path) == ["a"]


def test_series_below_a_loose_image_are_found(tmp_path: Path) -> None:
    export(tmp_path / "p" / "s1", "FLAIR")
    export(tmp_path / "p" / "s1" / "more", "FLAIR")
    loose = export(tmp_path / "x", "localiser") / "IM0001.dcm"
    loose.rename(tmp_path / "p" / "IM0001.dcm")
    assert names(tmp_path) == ["p-s1", "p-s1-more"]
    assert names(tmp_path / "p") == ["s1", "s1-more"]


def test_a_folder_that_cannot_be_listed_is_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    export(tmp_path / "a", "FLAIR")
    (tmp_path / "lost+found").mkdir()
    listed = Path.iterdir

    def iterdir(folder: Path) -> Iterator[Path]:
        if folder.name == "lost+found":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert names(tmp_path) == ["a"]
    assert "lost+found is passed by: Permission denied" in caplog.text


def test_a_tree_of_other_images_is_not_searched_for_series(tmp_path: Path) -> None:
    export(tmp_path / "scans" / "a", "FLAIR")
    (tmp_path / "sub-1" / "anat").mkdir(parents=True)
    (tmp_path / "sub-1" / "anat" / "sub-1_T1w.nii.gz").touch()
    with pytest.raises(UsageError, match=r"found \*_T1w"):
        find_scans(tmp_path)


def test_an_image_that_cannot_be_read_is_kept_for_its_error(tmp_path: Path) -> None:
    export(tmp_path / "a", "FLAIR")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "IM0001").write_bytes(bytes(128) + b"DICM")
    assert names(tmp_path) == ["a", "b"]


def test_what_a_tree_sets_aside_is_passed_by(tmp_path: Path) -> None:
    export(tmp_path / "sourcedata" / "sub-01")
    export(tmp_path / "derivatives" / "a")
    export(tmp_path / ".cache" / "a")
    assert names(tmp_path) == []


def test_links_that_lead_back_end(tmp_path: Path) -> None:
    export(tmp_path / "a" / "flair")
    (tmp_path / "a" / "back").symlink_to(tmp_path / "a")
    (tmp_path / "z").symlink_to(tmp_path / "a")
    assert names(tmp_path) == ["a-flair"]
