"""Bad files are refused with one clear line; good ones come back with their grid to the bit."""

import hashlib
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.data.folders import find_masks, find_scans, mask_of
from lesionless.data.scan import Scan, read_map, read_mask, read_scan, write_volume
from lesionless.errors import ScanError

SHAPE = (16, 18, 5)


def oblique_affine(spacing: tuple[float, float, float] = (0.9375, 0.9375, 6.5)) -> np.ndarray:
    cos, sin = np.cos(0.3), np.sin(0.3)
    rotation = np.array([[-cos, sin, 0], [sin, cos, 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, 0.96, -0.28], [0, 0.28, 0.96]]
    )
    affine = np.eye(4)
    affine[:3, :3] = rotation * spacing
    affine[:3, 3] = 91.3, -104.7, 55.1
    return affine


def image(dtype: type = np.float32, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return (np.random.default_rng(0).normal(100, 30, shape)).astype(dtype)


def save(path: Path, voxels: np.ndarray, affine: np.ndarray | None = None) -> Path:
    nib.save(nib.Nifti1Image(voxels, oblique_affine() if affine is None else affine), path)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_values_affine_and_spacing_are_those_of_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", image())
    scan = read_scan(path)
    assert scan.image.dtype == np.float32
    np.testing.assert_array_equal(scan.image, image())
    np.testing.assert_array_equal(scan.affine, nib.load(path).affine)
    np.testing.assert_allclose(scan.spacing_mm, (0.9375, 0.9375, 6.5), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float64])
def test_every_usual_type_is_read(tmp_path: Path, dtype: type) -> None:
    scan = read_scan(save(tmp_path / "a.nii", image(dtype)))
    np.testing.assert_allclose(scan.image, image(dtype), rtol=1e-6)


def test_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    header = nib.Nifti1Header()
    header.set_data_shape((4, 4, 4))
    header.set_data_dtype(np.int16)
    header["scl_slope"], header["scl_inter"] = 2.0, -10.0
    header["magic"], header["vox_offset"] = b"n+1", 352
    raw = np.arange(64, dtype="<i2")
    header.set_sform(np.eye(4), code=1)
    (tmp_path / "a.nii").write_bytes(header.binaryblock + b"\0" * 4 + raw.tobytes())
    expected = raw.reshape(4, 4, 4, order="F") * 2.0 - 10.0
    np.testing.assert_array_equal(read_scan(tmp_path / "a.nii").image, expected)


def test_a_pair_is_read_and_its_outputs_are_single_files(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(image(np.int16), oblique_affine()), tmp_path / "a.img")
    scan = read_scan(tmp_path / "a.img")
    np.testing.assert_array_equal(scan.image, image(np.int16))
    write_volume(tmp_path / "out.nii.gz", scan.image, scan)
    written = nib.load(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(written.get_fdata(), scan.image)
    np.testing.assert_array_equal(written.affine, scan.affine)


@pytest.mark.parametrize("shape", [(*SHAPE, 1), (*SHAPE, 1, 1)])
def test_trailing_axes_of_length_one_are_dropped(tmp_path: Path, shape: tuple[int, ...]) -> None:
    scan = read_scan(save(tmp_path / "a.nii.gz", image(shape=shape)))
    np.testing.assert_array_equal(scan.image, image(shape=shape).reshape(SHAPE))
    write_volume(tmp_path / "out.nii.gz", scan.image, scan)
    assert nib.load(tmp_path / "out.nii.gz").shape == SHAPE


def break_by_text(path: Path) -> None:
    path.write_text("this is not an image\n" * 50)


def break_by_truncation(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def break_by_emptying(path: Path) -> None:
    path.write_bytes(b"")


def break_by_removal(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("extension", [".nii.gz", ".nii"])
@pytest.mark.parametrize(
    "damage", [break_by_text, break_by_truncation, break_by_emptying, break_by_removal]
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, damage, extension: str) -> None:  # type: ignore[no-untyped-def]
    path = save(tmp_path / f"a{extension}", image())
    damage(path)
    with pytest.raises(ScanError) as error:
        read_scan(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "expected" in message
    assert "found" in message
    assert "\n" not in message


def with_nan() -> np.ndarray:
    voxels = image()
    voxels[3, 4, 1], voxels[0, 0, 0] = np.nan, np.inf
    return voxels


@pytest.mark.parametrize(
    ("voxels", "message"),
    [
        (image(shape=(*SHAPE, 3)), r"3-D image.*\(16, 18, 5, 3\)"),
        (image(shape=(16, 18)), r"3-D image.*\(16, 18\)"),
        (image(shape=(16, 18, 1)), r"3-D image.*\(16, 18, 1\)"),
        (np.zeros(SHAPE, dtype=np.int16), "value 0 in every voxel"),
        (np.full(SHAPE, 7.5, dtype=np.float32), r"value 7\.5 in every voxel"),
        (with_nan(), "2 voxels that are NaN or infinite"),
        (image().astype(np.complex64), "complex"),
    ],
)
def test_an_image_that_cannot_be_used_is_refused(
    tmp_path: Path, voxels: np.ndarray, message: str
) -> None:
    path = save(tmp_path / "a.nii.gz", voxels)
    with pytest.raises(ScanError, match=message):
        read_scan(path)


@pytest.mark.parametrize("value", [0, 7])
def test_a_map_may_be_the_same_everywhere(tmp_path: Path, value: int) -> None:
    path = save(tmp_path / "a.nii.gz", np.full(SHAPE, value, dtype=np.int16))
    assert (read_map(path).image == value).all()


def test_a_map_with_values_that_are_not_finite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="2 voxels that are NaN or infinite"):
        read_map(save(tmp_path / "a.nii.gz", with_nan()))


def test_a_colour_image_is_refused(tmp_path: Path) -> None:
    voxels = np.zeros((4, 4, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(ScanError, match="one real number"):
        read_scan(save(tmp_path / "a.nii", voxels))


@pytest.mark.parametrize("row", [[0.0, 0, 0, 0], [np.nan, 0, 0, 0], [0, 1.0, 0, 0]])
def test_a_degenerate_affine_is_refused(tmp_path: Path, row: list[float]) -> None:
    nifti = nib.Nifti1Image(image(), np.eye(4))
    nifti.header["srow_x"] = row
    nifti.header["sform_code"] = 1
    nib.save(nib.Nifti1Image(image(), None, nifti.header), tmp_path / "a.nii")
    with pytest.raises(ScanError, match="affine"):
        read_scan(tmp_path / "a.nii")


def scan_with_codes(
    path: Path, *, sform: int, qform: int, kind: type = nib.Nifti1Image, endian: str = "<"
) -> Scan:
    header = kind.header_class(endianness=endian)
    header.set_data_dtype(np.int16)
    header.set_data_shape(SHAPE)
    header.set_sform(oblique_affine(), code=sform)
    header.set_qform(oblique_affine(), code=qform)
    nib.save(kind(image(np.int16), None, header), path)
    return read_scan(path)


GRID_FIELDS = (
    *("srow_x", "srow_y", "srow_z", "quatern_b", "quatern_c", "quatern_d", "qoffset_x"),
    *("qoffset_y", "qoffset_z", "sform_code", "qform_code", "pixdim", "xyzt_units", "dim"),
)


@pytest.mark.parametrize(("sform", "qform"), [(1, 1), (4, 1), (0, 1), (2, 0), (0, 0)])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("endian", ["<", ">"])
def test_an_output_has_the_grid_of_its_scan_to_the_last_bit(
    tmp_path: Path, sform: int, qform: int, kind: type, endian: str
) -> None:
    scan = scan_with_codes(tmp_path / "a.nii", sform=sform, qform=qform, kind=kind, endian=endian)
    write_volume(tmp_path / "out.nii.gz", scan.image / 3, scan)
    given, written = nib.load(tmp_path / "a.nii"), nib.load(tmp_path / "out.nii.gz")
    for field in GRID_FIELDS:
        np.testing.assert_array_equal(written.header[field], given.header[field], err_msg=field)
    np.testing.assert_array_equal(written.affine, given.affine)
    np.testing.assert_array_equal(written.get_fdata(dtype=np.float32), scan.image / 3)


def test_maps_are_stored_as_float32_and_masks_as_uint8(tmp_path: Path) -> None:
    scan = scan_with_codes(tmp_path / "a.nii", sform=1, qform=1)
    write_volume(tmp_path / "map.nii.gz", scan.image.astype(np.float64), scan)
    write_volume(tmp_path / "mask.nii.gz", scan.image > 100, scan)
    assert nib.load(tmp_path / "map.nii.gz").get_data_dtype() == np.float32
    mask = nib.load(tmp_path / "mask.nii.gz")
    assert mask.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(mask.get_fdata() == 1, scan.image > 100)


def test_labels_are_stored_as_whole_numbers_that_hold_them_all(tmp_path: Path) -> None:
    scan = scan_with_codes(tmp_path / "a.nii", sform=1, qform=1)
    labels = np.arange(np.prod(SHAPE), dtype=np.int32).reshape(SHAPE) * 100
    write_volume(tmp_path / "labels.nii.gz", labels, scan)
    stored = nib.load(tmp_path / "labels.nii.gz")
    assert stored.get_data_dtype().kind == "i"
    np.testing.assert_array_equal(np.asanyarray(stored.dataobj), labels)


def test_the_scaling_of_the_input_does_not_reach_the_output(tmp_path: Path) -> None:
    nifti = nib.Nifti1Image(image(np.int16), np.eye(4))
    nifti.header.set_slope_inter(0.01, 1000)
    nifti.header["cal_min"], nifti.header["cal_max"] = 5, 10
    nib.save(nifti, tmp_path / "a.nii")
    scan = read_scan(tmp_path / "a.nii")
    write_volume(tmp_path / "out.nii", np.full(SHAPE, 0.25, dtype=np.float32), scan)
    written = nib.load(tmp_path / "out.nii")
    assert np.unique(written.get_fdata()).tolist() == [0.25]
    assert (written.header["cal_min"], written.header["cal_max"]) == (0, 0)


def test_the_same_map_gives_the_same_bytes(tmp_path: Path) -> None:
    scan = scan_with_codes(tmp_path / "a.nii", sform=1, qform=1)
    for folder in ("one", "two"):
        write_volume(tmp_path / folder / "map.nii.gz", scan.image, scan)
    assert sha256(tmp_path / "one" / "map.nii.gz") == sha256(tmp_path / "two" / "map.nii.gz")


def test_reading_and_writing_never_change_the_input(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", image())
    before = sha256(path)
    scan = read_scan(path)
    scan.image[:] = 0
    write_volume(tmp_path / "out.nii", scan.image, scan)
    assert sha256(path) == before
    assert scan.header["datatype"] == nib.load(path).header["datatype"]


def test_a_failed_write_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = scan_with_codes(tmp_path / "a.nii", sform=1, qform=1)
    out = tmp_path / "out" / "map.nii.gz"
    write_volume(out, scan.image, scan)
    before = sha256(out)

    def fill_the_disk(nifti: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nib, "save", fill_the_disk)
    with pytest.raises(OSError, match="No space"):
        write_volume(out, scan.image / 2, scan)
    assert list(out.parent.iterdir()) == [out]
    assert sha256(out) == before


def test_a_mask_is_every_voxel_above_zero(tmp_path: Path) -> None:
    scan = read_scan(save(tmp_path / "a.nii.gz", image()))
    labels = np.zeros((*SHAPE, 1), dtype=np.float32)
    labels[2, 3, 1], labels[4, 5, 2], labels[0, 0, 0] = 1, 0.5, -1
    mask = read_mask(save(tmp_path / "m.nii.gz", labels), scan)
    assert mask.dtype == np.bool_
    assert np.argwhere(mask).tolist() == [[2, 3, 1], [4, 5, 2]]


def test_an_empty_mask_is_a_mask(tmp_path: Path) -> None:
    scan = read_scan(save(tmp_path / "a.nii.gz", image()))
    assert not read_mask(save(tmp_path / "m.nii.gz", np.zeros(SHAPE, np.uint8)), scan).any()


def test_a_mask_on_another_grid_is_refused(tmp_path: Path) -> None:
    scan = read_scan(save(tmp_path / "a.nii.gz", image()))
    shifted = oblique_affine()
    shifted[0, 3] += 0.5
    ones = np.ones(SHAPE, dtype=np.uint8)
    with pytest.raises(ScanError, match=r"m\.nii.*affine of a\.nii\.gz"):
        read_mask(save(tmp_path / "m.nii", ones, shifted), scan)
    with pytest.raises(ScanError, match=r"shape \(16, 18, 5\).*found \(18, 16, 5\)"):
        read_mask(save(tmp_path / "n.nii", ones.swapaxes(0, 1)), scan)


REAL = os.environ.get("LESIONLESS_DATA")


@pytest.mark.real
@pytest.mark.skipif(REAL is None, reason="LESIONLESS_DATA is not set")
@pytest.mark.parametrize("tree", ["ms-tabriz", "mslub-longitudinal", "mslub-mni", "healthy-flair"])
def test_outputs_of_real_scans_have_their_grid_to_the_last_bit(tmp_path: Path, tree: str) -> None:
    found = find_scans(Path(str(REAL)) / tree)
    masks = find_masks(Path(str(REAL)) / tree)
    for each in found:
        scan = read_scan(each.path)
        mask = mask_of(each.name, masks)
        lesion = read_mask(mask.path, scan) if mask else scan.image > 0
        write_volume(tmp_path / "mask.nii", lesion, scan)
        given, written = nib.load(each.path), nib.load(tmp_path / "mask.nii")
        assert written.shape == given.shape
        for field in GRID_FIELDS:
            np.testing.assert_array_equal(written.header[field], given.header[field], each.path)
