"""A DICOM series folder, turned into one NIfTI file."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from lesionless.arrays import Affine
from lesionless.data.program import find_program, run_program
from lesionless.errors import ScanError
from lesionless.provenance import whole

# DICOM stores positions as decimal text; slices may be this far from even, as share of their gap
UNEVEN_SHARE = 0.05
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class _Image:
    """Hold what the header of one DICOM file says; texts as they stand there."""

    path: Path
    tags: Mapping[str, str]
    n_frames: int

    def numbers(self, tag: str) -> np.ndarray:
        return np.array([float(number) for number in self.tags[tag].split("\\")])


POSITION, ORIENTATION, PIXEL_SPACING = "0020|0032", "0020|0037", "0028|0030"
DESCRIPTION, PROTOCOL = "0008|103e", "0018|1030"
# Classes of DICOM files that are no images, as their headers begin: the directory of an export,
# presentation states, reports, and documents
NO_IMAGES = (
    b"1.2.840.10008.1.3.10",
    b"1.2.840.10008.5.1.4.1.1.11.",
    b"1.2.840.10008.5.1.4.1.1.88.",
    b"1.2.840.10008.5.1.4.1.1.104.",
)
HEAD_BYTES = 1024  # of a file, that hold its mark and its class


def images_in(folder: Path) -> Iterator[Path]:
    """Yield the files right inside a folder that carry the mark of DICOM."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.stem.upper() != "DICOMDIR" and _is_image(path):
            yield path


def holds_dicom(folder: Path) -> bool:
    """Tell whether a folder holds a DICOM image, by the mark that these files carry."""
    return any(images_in(folder))


def describe(folder: Path) -> str:
    """Return the description of the first DICOM image in a folder, or else its protocol.

    Returns:
        What the header says, such as `t2_tirm_tra_dark-fluid`; empty where it says nothing or
        cannot be read.
    """
    try:
        tags = _read_header(next(images_in(folder))).tags
    except (ScanError, StopIteration):
        return ""
    return tags.get(DESCRIPTION, "").strip() or tags.get(PROTOCOL, "").strip()


def convert_series(folder: Path, target: Path) -> None:
    """Write the one series of a folder as a NIfTI file.

    A series with one slice per file is read by SimpleITK's GDCM, its geometry taken from the
    positions in the headers. A multi-frame file, whose frames may stand in any order, is left to
    the program dcm2niix (`pip install '.[dicom]'` in the folder of lesionless).

    Args:
        folder: Holds the files of one series, whatever their names; other files are passed over.
        target: The file to write, .nii or .nii.gz; float32, rescaled as the headers say.

    Raises:
        ScanError: There is no series or more than one, slices are missing, several images stand
            at one place, a header is incomplete, or dcm2niix is needed and missing.
    """
    images = [_read_header(path) for path in _series_files(folder)]
    if any(image.n_frames > 1 for image in images):
        _convert_multi_frame(folder, target)
        return
    images = _in_order(images, folder)
    data = np.stack([_read_pixels(image.path) for image in images], axis=-1)
    nifti = nib.Nifti1Image(data, _affine(images))
    nifti.header.set_xyzt_units("mm")
    _save(nifti, target)


def _is_image(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return head[128:132] == b"DICM" and not any(other in head for other in NO_IMAGES)


def _series_files(folder: Path) -> list[Path]:
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    series = reader.GetGDCMSeriesIDs(str(folder))
    files = {name: reader.GetGDCMSeriesFileNames(str(folder), name) for name in series}
    if len(series) != 1:
        found = [
            f"{_read_header(Path(paths[0])).tags.get(DESCRIPTION, name).strip()} "
            f"({len(paths)} files)"
            for name, paths in files.items()
        ]
        raise ScanError(
            f"{folder}: expected one DICOM series, found {len(series)}"
            f"{': ' if found else ''}{', '.join(found)}. Give a folder with one series."
        )
    return [Path(path) for path in files[series[0]]]


def _read_header(path: Path) -> _Image:
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise ScanError(
            f"{path}: expected a readable DICOM image, found none ({_last_line(error)}). "
            "Export the series again."
        ) from error
    tags = {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}
    return _Image(path=path, tags=tags, n_frames=int(np.prod(reader.GetSize()[2:])))


def _read_pixels(path: Path) -> np.ndarray:
    """Return the (column, row) pixels of one slice, rescaled."""
    import SimpleITK

    try:
        image = SimpleITK.ReadImage(str(path), SimpleITK.sitkFloat32)
    except RuntimeError as error:
        raise ScanError(
            f"{path}: expected complete pixel data, found none ({_last_line(error)}). "
            "Export the series again."
        ) from error
    return np.asarray(SimpleITK.GetArrayFromImage(image)).squeeze(axis=0).T


def _in_order(images: Sequence[_Image], folder: Path) -> list[_Image]:
    _check_headers(images, folder)
    normal = np.cross(*images[0].numbers(ORIENTATION).reshape(2, 3))
    heights_mm = np.array([image.numbers(POSITION) @ normal for image in images])
    order = np.argsort(heights_mm, kind="stable")
    _check_gaps(np.diff(heights_mm[order]), folder)
    return [images[index] for index in order]


def _check_headers(images: Sequence[_Image], folder: Path) -> None:
    for tag in (POSITION, ORIENTATION, PIXEL_SPACING):
        missing = [image.path.name for image in images if not image.tags.get(tag, "").strip()]
        if missing:
            raise ScanError(
                f"{folder}: expected the DICOM tag {tag} in every file, found none in "
                f"{missing[0]}. Export the series as MR images, not as screen captures."
            )
    turned = [
        image.path.name
        for image in images
        if not np.allclose(image.numbers(ORIENTATION), images[0].numbers(ORIENTATION), atol=1e-3)
    ]
    if turned:
        raise ScanError(
            f"{folder}: expected parallel slices, found {turned[0]} turned against "
            f"{images[0].path.name} (a localiser?). Give a folder with one stack of slices."
        )


def _check_gaps(gaps_mm: np.ndarray, folder: Path) -> None:
    if len(gaps_mm) == 0:
        raise ScanError(f"{folder}: expected a stack of slices, found one slice.")
    typical_mm = float(np.median(gaps_mm))
    if gaps_mm.min() < UNEVEN_SHARE * gaps_mm.max():
        raise ScanError(
            f"{folder}: expected one image per place, found several (echoes, time points or "
            "repeats in one series). Give a folder with one volume."
        )
    if np.abs(gaps_mm - typical_mm).max() > UNEVEN_SHARE * typical_mm:
        raise ScanError(
            f"{folder}: expected slices {typical_mm:.2f} mm apart, found gaps of "
            f"{gaps_mm.min():.2f} to {gaps_mm.max():.2f} mm (a missing slice?). "
            "Export the series again."
        )


def _affine(images: Sequence[_Image]) -> Affine:
    first = images[0]
    along_row, along_column = first.numbers(ORIENTATION).reshape(2, 3)
    row_gap_mm, column_gap_mm = first.numbers(PIXEL_SPACING)
    start, end = first.numbers(POSITION), images[-1].numbers(POSITION)
    affine = np.eye(4)
    affine[:3, 0] = along_row * column_gap_mm
    affine[:3, 1] = along_column * row_gap_mm
    affine[:3, 2] = (end - start) / (len(images) - 1)
    affine[:3, 3] = start
    return LPS_TO_RAS @ affine


def _convert_multi_frame(folder: Path, target: Path) -> None:
    program = find_program(["dcm2niix"])
    if program is None:
        raise ScanError(
            f"{folder}: expected one slice per DICOM file, found a multi-frame file, which needs "
            "dcm2niix. Run `pip install '.[dicom]'` in the folder of lesionless."
        )
    with tempfile.TemporaryDirectory(prefix="lesionless-dicom-") as work:
        options = ["-b", "n", "-z", "n", "-f", "series", "-o", work]
        code, said = run_program([program, *options, str(folder.resolve())], folder=Path(work))
        found = sorted(Path(work).glob("*.nii"))
        if code != 0 or len(found) != 1:
            raise ScanError(
                f"{folder}: expected one volume from dcm2niix, found {len(found)} (code {code}, "
                f"{said}). Convert the series by hand and give the NIfTI file."
            )
        nifti: Any = nib.load(found[0])
        _save(nib.Nifti1Image(nifti.get_fdata(dtype=np.float32), nifti.affine), target)


def _save(nifti: Any, target: Path) -> None:
    with whole(target) as partial:
        nib.save(nifti, partial)


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1][:160]
