"""The same content has the same fingerprint wherever it lies; any change of it gives another."""

import hashlib
from pathlib import Path

import pytest

from lesionless.data.fingerprint import fingerprint
from lesionless.errors import ScanError

from .test_series import put_together

MARK = bytes(128) + b"DICM"


def test_a_file_has_the_sha256_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii"
    path.write_bytes(b"lesionless" * 200_000)
    assert fingerprint(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_header_of_a_pair_counts(tmp_path: Path) -> None:
    for name, text in (("a.img", "voxels"), ("a.hdr", "grid")):
        (tmp_path / name).write_text(text)
    before = fingerprint(tmp_path / "a.img")
    (tmp_path / "a.hdr").write_text("another grid")
    assert fingerprint(tmp_path / "a.img") != before


def test_every_image_of_a_series_counts_and_its_place_does_not(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for index in range(3):
            (tmp_path / folder / f"{index}.dcm").write_bytes(MARK + bytes([index]))
    (tmp_path / "two" / "notes.txt").write_text("no image")
    (tmp_path / "two" / "DICOMDIR").write_bytes(MARK)
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
    (tmp_path / "two" / "1.dcm").write_bytes(MARK + b"another slice")
    assert fingerprint(tmp_path / "one") != fingerprint(tmp_path / "two")


def test_of_several_series_in_a_folder_the_images_of_one_count(tmp_path: Path) -> None:
    folder = put_together(tmp_path / "flat", "localiser", "Ax FLAIR")
    before = fingerprint(folder / "I1S2")
    (folder / "I2S1").unlink()  # of the other one
    assert fingerprint(folder / "I1S2") == before
    (folder / "I2S2").unlink()
    assert fingerprint(folder / "I1S2") != before


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"gone\.nii"):
        fingerprint(tmp_path / "gone.nii")
