"""DICOM series: geometry, values, order of the slices, and what is refused."""

import shutil
import sys
import zlib

import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from lesionless.data import dicom
from lesionless.data.scan import read_scan, write_volume
from lesionless.errors import ScanError

ORIGIN = np.array([-12.0, -8.0, 20.0])
SLOPE, INTERCEPT = 2, -100
GAPS_MM = (0.9, 0.7, 6.5)  # between columns, rows and slices


def turned() -> np.ndarray:
    """An oblique orthonormal frame: along the row, along the column, along the normal."""
    frame, _ = np.linalg.qr([[1, 0.2, -0.1], [-0.2, 1, 0.3], [0.1, -0.3, 1]])
    return frame * np.sign(np.diag(frame))


def voxels(n_slices: int = 4) -> np.ndarray:
    return np.random.default_rng(3).integers(-50, 900, (n_slices, 6, 8)).astype(np.int16)


def write_slice(path, pixels, position, *, series="1.2.3", frame=None, rescaled=False):
    frame = turned() if frame is None else frame
    if rescaled:
        pixels = pixels * np.float32(SLOPE) + INTERCEPT
    image = SimpleITK.GetImageFromArray(pixels[None])
    image.SetSpacing((GAPS_MM[0], GAPS_MM[1], 1.0))
    image.SetOrigin(position.tolist())
    image.SetDirection(frame.ravel().tolist())
    tags = {
        "0008|0016": "1.2.840.10008.5.1.4.1.1.4",  # MR image
        "0008|0018": f"{series}.{zlib.crc32(path.name.encode())}",
        "0008|0060": "MR",
        "0008|103e": f"FLAIR {series}",
        "0020|000d": "1.2.3",
        "0020|000e": series,
        "0020|0011": "3",
        "0020|0013": str(zlib.crc32(path.name.encode()) % 100),
        "0020|0032": "\\".join(f"{number:.9f}" for number in position),
        "0020|0037": "\\".join(f"{number:.9f}" for number in frame[:, :2].T.ravel()),
        "0008|0020": "20200101",
        "0008|0030": "101010",
    }
    if rescaled:  # stored as integers, with the way back in the header
        tags |= {"0028|1052": str(INTERCEPT), "0028|1053": str(SLOPE), "0028|0100": "16"}
        tags |= {"0028|0101": "16", "0028|0102": "15", "0028|0103": "1"}
    for tag, text in tags.items():
        image.SetMetaData(tag, text)
    writer = SimpleITK.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    writer.SetFileName(str(path))
    writer.Execute(image)


def write_series(folder, *, heights=(0, 1, 2, 3), names="wxyz", **options):
    """Write slices whose file names run against their order in space."""
    folder.mkdir(exist_ok=True)
    for pixels, height, name in zip(voxels(), heights, reversed(names), strict=True):
        position = ORIGIN + turned()[:, 2] * GAPS_MM[2] * height
        write_slice(folder / f"{name}.dcm", pixels, position, **options)
    return folder


def test_voxels_and_places_come_back(tmp_path):
    target = tmp_path / "out" / "scan.nii.gz"
    dicom.convert_series(write_series(tmp_path / "series"), target)
    scan = read_scan(target)
    np.testing.assert_array_equal(scan.image, voxels().T)
    column, row, slice_index = 5, 2, 3
    place = ORIGIN + turned() @ (np.array(GAPS_MM) * [column, row, slice_index])
    expected = place * [-1, -1, 1]  # DICOM counts to the left and the back
    found = scan.affine @ [column, row, slice_index, 1]
    np.testing.assert_allclose(found[:3], expected, atol=1e-4)


def test_values_are_rescaled_as_the_header_says(tmp_path):
    series = write_series(tmp_path / "series", rescaled=True)
    stored = (series / "z.dcm").read_bytes()
    assert voxels()[0].astype("<i2").tobytes() in stored  # else this test proves nothing
    dicom.convert_series(series, tmp_path / "scan.nii")
    found = read_scan(tmp_path / "scan.nii").image
    np.testing.assert_array_equal(found, voxels().T * SLOPE + INTERCEPT)


def test_file_names_and_other_files_do_not_matter(tmp_path):
    series = write_series(tmp_path / "series")
    renamed = write_series(tmp_path / "renamed", names="bdca")
    (renamed / "notes.txt").write_text("not an image")
    dicom.convert_series(series, tmp_path / "a.nii")
    dicom.convert_series(renamed, tmp_path / "b.nii")
    assert (tmp_path / "a.nii").read_bytes() == (tmp_path / "b.nii").read_bytes()


def test_slices_are_put_in_order_by_their_places(tmp_path, monkeypatch):
    series = write_series(tmp_path / "series")
    dicom.convert_series(series, tmp_path / "a.nii")
    monkeypatch.setattr(dicom, "_checked_files", lambda folder: sorted(folder.glob("*.dcm")))
    dicom.convert_series(series, tmp_path / "b.nii")
    assert (tmp_path / "a.nii").read_bytes() == (tmp_path / "b.nii").read_bytes()


def test_a_missing_slice_is_named(tmp_path):
    series = write_series(tmp_path / "series", heights=(0, 1, 3, 4))
    with pytest.raises(ScanError, match="missing slice"):
        dicom.convert_series(series, tmp_path / "scan.nii")


def test_several_images_at_one_place_are_refused(tmp_path):
    series = write_series(tmp_path / "series", heights=(0, 0, 1, 1))
    with pytest.raises(ScanError, match="one image per place"):
        dicom.convert_series(series, tmp_path / "scan.nii")


def test_slices_that_are_not_parallel_are_refused(tmp_path):
    series = write_series(tmp_path / "series")
    write_slice(series / "sagittal.dcm", voxels()[0], ORIGIN, frame=turned()[:, [1, 2, 0]])
    with pytest.raises(ScanError, match="parallel"):
        dicom.convert_series(series, tmp_path / "scan.nii")


def test_two_series_are_refused_with_their_names(tmp_path):
    series = write_series(tmp_path / "series")
    write_series(series, names="abcd", series="1.2.4")
    with pytest.raises(ScanError, match=r"found 2: FLAIR 1\.2\.\d \(4 files\), FLAIR"):
        dicom.convert_series(series, tmp_path / "scan.nii")


def test_of_two_series_in_one_folder_the_one_of_a_file_is_read(tmp_path):
    alone = write_series(tmp_path / "alone", heights=(0, 2, 4, 6))
    both = write_series(tmp_path / "both", heights=(0, 2, 4, 6))
    write_series(both, names="abcd", series="1.2.4")
    (both / "notes.dcm").write_text("not an image")
    assert dicom.series_in(both) == [both / "a.dcm", both / "w.dcm"]
    assert dicom.files_of(both / "y.dcm") == [both / f"{name}.dcm" for name in "wxyz"]
    assert [dicom.describe(path) for path in dicom.series_in(both)] == [
        "FLAIR 1.2.4",
        "FLAIR 1.2.3",
    ]
    dicom.convert_series(both / "y.dcm", tmp_path / "a.nii")
    dicom.convert_series(alone, tmp_path / "b.nii")
    assert (tmp_path / "a.nii").read_bytes() == (tmp_path / "b.nii").read_bytes()
    assert dicom.series_in(alone) == [alone]


def test_a_folder_without_dicom_is_told_apart(tmp_path):
    (tmp_path / "notes.dcm").write_text("not an image")
    assert dicom.series_in(tmp_path) == []
    with pytest.raises(ScanError, match="found 0"):
        dicom.convert_series(tmp_path, tmp_path / "scan.nii")


def write_multi_frame(folder):
    folder.mkdir()
    image = SimpleITK.GetImageFromArray(voxels())
    image.SetMetaData("0008|0060", "MR")
    SimpleITK.WriteImage(image, str(folder / "all.dcm"))
    return folder


def install_dcm2niix(folder, monkeypatch, source):
    """Put a program of that name first on the search path."""
    folder.mkdir()
    program = folder / "dcm2niix"
    program.write_text(f"#!{sys.executable}\nimport sys, shutil\n{source}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_multi_frame_file_goes_to_dcm2niix(tmp_path, monkeypatch):
    expected = nib.Nifti1Image(voxels().T, np.diag([1.0, 2.0, 3.0, 1.0]))
    nib.save(expected, tmp_path / "made.nii")
    copy = f"shutil.copy({str(tmp_path / 'made.nii')!r}, sys.argv[sys.argv.index('-o') + 1])"
    install_dcm2niix(tmp_path / "bin", monkeypatch, copy)
    dicom.convert_series(write_multi_frame(tmp_path / "series"), tmp_path / "scan.nii.gz")
    scan = read_scan(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(scan.image, voxels().T)
    np.testing.assert_array_equal(scan.affine, expected.affine)


def test_a_failing_dcm2niix_is_quoted(tmp_path, monkeypatch):
    install_dcm2niix(tmp_path / "bin", monkeypatch, "sys.exit('no valid DICOM')")
    with pytest.raises(ScanError, match=r"code 1, no valid DICOM"):
        dicom.convert_series(write_multi_frame(tmp_path / "series"), tmp_path / "scan.nii.gz")


def test_dcm2niix_sees_no_file_of_another_series(tmp_path, monkeypatch):
    said = "import os; sys.exit(' '.join(sorted(os.listdir(sys.argv[-1]))))"
    install_dcm2niix(tmp_path / "bin", monkeypatch, said)
    series = write_multi_frame(tmp_path / "series")
    write_series(series, names="abcd", series="1.2.4")
    (frames,) = [path for path in dicom.series_in(series) if path.name != "a.dcm"]
    with pytest.raises(ScanError, match=rf"code 1, {frames.name}\)"):
        dicom.convert_series(frames, tmp_path / "scan.nii.gz")


def test_a_multi_frame_file_without_dcm2niix_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(dicom, "find_program", lambda names: None)
    with pytest.raises(ScanError, match=r"pip install '\.\[dicom\]'"):
        dicom.convert_series(write_multi_frame(tmp_path / "series"), tmp_path / "scan.nii.gz")


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
def test_dcm2niix_puts_every_voxel_at_the_same_place(tmp_path):
    series = write_series(tmp_path / "series")
    dicom.convert_series(series, tmp_path / "ours.nii")
    work = tmp_path / "theirs"
    work.mkdir()
    program = str(shutil.which("dcm2niix"))
    arguments = [program, "-b", "n", "-z", "n", "-f", "scan", "-o", str(work), str(series)]
    assert dicom.run_program(arguments, folder=work)[0] == 0
    ours, theirs = read_scan(tmp_path / "ours.nii"), read_scan(work / "scan.nii")
    index = np.argwhere(np.isfinite(ours.image))
    places = nib.affines.apply_affine(ours.affine, index)
    there = nib.affines.apply_affine(np.linalg.inv(theirs.affine), places)
    np.testing.assert_allclose(there, np.rint(there), atol=1e-3)
    values = theirs.image[tuple(np.rint(there).astype(int).T)]
    np.testing.assert_array_equal(values, ours.image.ravel())


def test_the_folder_of_a_series_is_read_like_a_file(tmp_path):
    series = write_series(tmp_path / "series")
    dicom.convert_series(series, tmp_path / "scan.nii")
    before = sorted(tmp_path.rglob("*"))
    scan, expected = read_scan(series), read_scan(tmp_path / "scan.nii")
    assert scan.path == series
    np.testing.assert_array_equal(scan.image, expected.image)
    np.testing.assert_array_equal(scan.affine, expected.affine)
    write_volume(tmp_path / "out.nii", scan.image, scan)
    np.testing.assert_array_equal(read_scan(tmp_path / "out.nii").affine, expected.affine)
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "out.nii"])
