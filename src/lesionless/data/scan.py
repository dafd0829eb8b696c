"""One scan or mask on disk: read with checks, written with the grid of the scan it belongs to."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from lesionless.arrays import Affine, Labels, Mask, Volume
from lesionless.data.dicom import convert_series, is_series
from lesionless.errors import ScanError
from lesionless.provenance import whole

_STORED_AS: dict[str, type[np.generic]] = {"b": np.uint8, "i": np.int32}


@dataclass(frozen=True, eq=False)
class Scan:
    """Hold one 3-D image in its own grid.

    Attributes:
        path: The file it was read from, or the folder of a DICOM series, or one file of it.
        image: (i, j, k) float32, in the scanner's units; finite.
        affine: (4, 4) from voxel index to millimetres, RAS+.
        header: The file's header, kept so that outputs get the very same grid.
    """

    path: Path
    image: Volume
    affine: Affine
    header: Any

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Return the voxel size along each array axis, from the affine."""
        i, j, k = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(i), float(j), float(k)


def read_scan(path: Path) -> Scan:
    """Read one NIfTI file, or a DICOM series (a folder, or one file), as a 3-D float32 image.

    Axes of length 1 at the end are dropped.

    Raises:
        ScanError: The file cannot be read, is not 3-D, has a degenerate affine, holds values that
            are complex, colours or not finite, or is constant; or the series cannot be converted,
            see `dicom.convert_series`.
    """
    if is_series(path):
        return _read_series(path)
    scan = read_map(path)
    _check_varies(scan)
    return scan


def read_map(path: Path) -> Scan:
    """Read one NIfTI file whose values may all be the same: a map in which nothing was found.

    Axes of length 1 at the end are dropped.

    Raises:
        ScanError: As for `read_scan`, but a constant map is a map.
    """
    nifti = _load(path)
    image = _drop_trailing_axes(_data(nifti, path), path)
    affine = np.asarray(nifti.affine, dtype=np.float64)
    _check_affine(affine, path)
    _check_finite(image, path)
    return Scan(path=path, image=image, affine=affine, header=nifti.header.copy())


def read_mask(path: Path, scan: Scan) -> Mask:
    """Read a mask that lies on the grid of `scan`; every voxel above zero belongs to it.

    Raises:
        ScanError: The file cannot be read or its grid differs from the scan's.
    """
    nifti = _load(path)
    mask = _drop_trailing_axes(_data(nifti, path), path)
    if mask.shape != scan.image.shape:
        raise ScanError(
            f"{path}: expected a mask of shape {scan.image.shape} like {scan.path.name}, "
            f"found {mask.shape}. Give a mask on the scan's own grid."
        )
    if not np.allclose(nifti.affine, scan.affine, atol=1e-2):
        raise ScanError(
            f"{path}: expected the affine of {scan.path.name}, found another one. "
            "Give a mask on the scan's own grid."
        )
    return np.asarray(mask > 0)


def write_volume(path: Path, volume: Volume | Mask | Labels, scan: Scan) -> None:
    """Write an array on the grid of `scan`, with its affine to the last bit.

    Masks are stored as uint8, labels as int32, maps as float32. The file appears under its name
    only when whole.
    """
    kind = _STORED_AS.get(volume.dtype.kind, np.float32)
    header = scan.header.copy()
    header.set_data_dtype(kind)
    header.set_slope_inter(1, 0)
    header["cal_min"] = header["cal_max"] = 0
    nifti = _image_class(header)(volume.astype(kind), None, header)
    with whole(path) as partial:
        nib.save(nifti, partial)


def _read_series(series: Path) -> Scan:
    with tempfile.TemporaryDirectory(prefix="lesionless-dicom-") as work:
        nifti = Path(work) / "scan.nii"
        convert_series(series, nifti)
        return replace(read_scan(nifti), path=series)


def _load(path: Path) -> Any:
    try:
        loaded = nib.load(path)
        return _image_class(loaded.header).from_image(loaded)
    except Exception as error:  # nibabel raises many kinds for a file that is not NIfTI
        if path.is_symlink() and not path.exists():
            raise ScanError(
                f"{path}: expected a file, found a link to what is not there. Where the data set "
                "is one of DataLad or git-annex, `datalad get` or `git annex get` fetches it."
            ) from error
        raise ScanError(
            f"{path}: expected a readable NIfTI file, found {type(error).__name__}: "
            f"{_one_line(error)}. Export or copy the scan again."
        ) from error


def _image_class(header: Any) -> Any:
    """Return the kind of file that keeps a header's grid to the bit: NIfTI-2 has 64-bit affines."""
    return nib.Nifti2Image if isinstance(header, nib.Nifti2Header) else nib.Nifti1Image


def _data(nifti: Any, path: Path) -> Volume:
    dtype = nifti.get_data_dtype()
    if dtype.kind not in "iuf":
        raise ScanError(
            f"{path}: expected one real number per voxel, found {dtype}. "
            "Export the magnitude image in grey values."
        )
    try:
        return np.asarray(nifti.get_fdata(dtype=np.float32))
    except Exception as error:  # truncated or damaged data, seen only when it is read
        raise ScanError(
            f"{path}: expected complete voxel data, found {type(error).__name__}: "
            f"{_one_line(error)}. Export or copy the scan again."
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def _drop_trailing_axes(image: Volume, path: Path) -> Volume:
    while image.ndim > 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if image.ndim != 3 or min(image.shape) < 2:
        way_out = "Split a series into single volumes." if image.ndim > 3 else "Give a whole stack."
        raise ScanError(
            f"{path}: expected one 3-D image, found an array of shape {image.shape}. {way_out}"
        )
    return image


def _check_affine(affine: Affine, path: Path) -> None:
    if not np.all(np.isfinite(affine)) or abs(np.linalg.det(affine[:3, :3])) < 1e-6:
        raise ScanError(
            f"{path}: expected an affine that can be inverted, found {affine[:3].tolist()}. "
            "Repair the header, for instance by converting the scan from DICOM again."
        )


def _check_finite(image: Volume, path: Path) -> None:
    n_bad = int(image.size - np.count_nonzero(np.isfinite(image)))
    if n_bad:
        raise ScanError(
            f"{path}: expected finite values, found {n_bad} voxels that are NaN or infinite. "
            "Replace them, or export the scan again."
        )


def _check_varies(scan: Scan) -> None:
    if scan.image.min() == scan.image.max():
        raise ScanError(
            f"{scan.path}: expected an image, found the value {scan.image.flat[0]:g} in every "
            "voxel. Export the scan again."
        )
