"""A DICOM series, turned into one NIfTI file."""

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
DESCRIPTION, PROTOCOL, NUMBER = "0008|103e", "0018|1030", "0020|0011"
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
    yield from filter(is_dicom, sorted(folder.iterdir()))


def is_dicom(path: Path) -> bool:
    """Tell whether a file is a DICOM image, by the mark and the class that it begins with.

    One that cannot be read is none; why it cannot is said when it is read.
    """
    if path.stem.upper() == "DICOMDIR" or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return False
    return head[128:132] == b"DICM" and not any(other in head for other in NO_IMAGES)


def is_series(path: Path) -> bool:
    """Tell whether a path stands for a DICOM series, see `files_of`, and not for a NIfTI file."""
    return path.is_dir() or is_dicom(path)


def series_in(folder: Path) -> list[Path]:
    """Return the series right inside a folder, each as the path that stands for it here.

    Returns:
        The folder itself where it holds one series; where it holds several, the first file of
        each; an empty list where no file carries the mark of DICOM.
    """
    if next(images_in(folder), None) is None:
        return []
    several = _by_series(folder)
    return sorted(files[0] for files in several.values()) if len(several) > 1 else [folder]


def files_of(series: Path) -> list[Path]:
    """Return the files of a series, sorted by name.

    Args:
        series: A folder, or one file of the series: those beside it that belong to others, or
            to none, are passed over.
    """
    if series.is_dir():
        return list(images_in(series))
    groups = _by_series(series.parent).values()
    return next((files for files in groups if series in files), [series])


def describe(series: Path) -> str:
    """Return the description of a series, or else its protocol, as its first image has it.

    Returns:
        What the header says, such as `t2_tirm_tra_dark-fluid`; empty where it says nothing or
        cannot be read.
    """
    return _said(series, DESCRIPTION) or _said(series, PROTOCOL)


def number_of(series: Path) -> str:
    """Return the number of a series in its study; empty where there is none to read."""
    return _said(series, NUMBER)


def convert_series(series: Path, target: Path) -> None:
    """Write a series as a NIfTI file.

    A series with one slice per file is read by SimpleITK's GDCM, its geometry taken from the
    positions in the headers. A multi-frame file, whose frames may stand in any order, is left to
    the program dcm2niix (`pip install '.[dicom]'` in the folder of lesionless).

    Args:
        series: A folder that holds the files of one series, whatever their names, or one of these
            files where there are others beside it; what is no image is passed over.
        target: The file to write, .nii or .nii.gz; float32, rescaled as the headers say.

    Raises:
        ScanError: There is no series or more than one, slices are missing, several images stand
            at one place, a header is incomplete, or dcm2niix is needed and missing.
    """
    images = [_read_header(path) for path in _checked_files(series)]
    if any(image.n_frames > 1 for image in images):
        _convert_multi_frame(series, [image.path for image in images], target)
        return
    images = _in_order(images, series)
    data = np.stack([_read_pixels(image.path) for image in images], axis=-1)
    nifti = nib.Nifti1Image(data, _affine(images))
    nifti.header.set_xyzt_units("mm")
    _save(nifti, target)


def _by_series(folder: Path) -> dict[str, list[Path]]:
    """Return the images right inside a folder by the series that their headers name, as sorted."""
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    names = {
        series: {Path(name).name for name in reader.GetGDCMSeriesFileNames(str(folder), series)}
        for series in reader.GetGDCMSeriesIDs(str(folder))
    }
    images = list(images_in(folder))
    found = {series: [path for path in images if path.name in names[series]] for series in names}
    return {series: files for series, files in found.items() if files}


def _checked_files(series: Path) -> list[Path]:
    if not series.is_dir():
        return files_of(series)
    found = _by_series(series)
    if len(found) != 1:
        told = [
            f"{describe(files[0]) or name} ({len(files)} files)" for name, files in found.items()
        ]
        raise ScanError(
            f"{series}: expected one DICOM series, found {len(found)}"
            f"{': ' if told else ''}{', '.join(told)}. Give a file of the one to take."
        )
    return next(iter(found.values()))


def _said(series: Path, tag: str) -> str:
    """Return what the header of a series' first image says; empty where it cannot be read."""
    try:
        first = next(images_in(series)) if series.is_dir() else series
        return _read_header(first).tags.get(tag, "").strip()
    except (ScanError, StopIteration):
        return ""


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


def _in_order(images: Sequence[_Image], series: Path) -> list[_Image]:
    _check_headers(images, series)
    normal = np.cross(*images[0].numbers(ORIENTATION).reshape(2, 3))
    heights_mm = np.array([image.numbers(POSITION) @ normal for image in images])
    order = np.argsort(heights_mm, kind="stable")
    _check_gaps(np.diff(heights_mm[order]), series)
    return [images[index] for index in order]


def _check_headers(images: Sequence[_Image], series: Path) -> None:
    for tag in (POSITION, ORIENTATION, PIXEL_SPACING):
        missing = [image.path.name for image in images if not image.tags.get(tag, "").strip()]
        if missing:
            raise ScanError(
                f"{series}: expected the DICOM tag {tag} in every file, found none in "
                f"{missing[0]}. Export the series as MR images, not as screen captures."
            )
    turned = [
        image.path.name
        for image in images
        if not np.allclose(image.numbers(ORIENTATION), images[0].numbers(ORIENTATION), atol=1e-3)
    ]
    if turned:
        raise ScanError(
            f"{series}: expected parallel slices, found {turned[0]} turned against "
            f"{images[0].path.name} (a localiser?). Give a folder with one stack of slices."
        )


def _check_gaps(gaps_mm: np.ndarray, series: Path) -> None:
    if len(gaps_mm) == 0:
        raise ScanError(f"{series}: expected a stack of slices, found one slice.")
    typical_mm = float(np.median(gaps_mm))
    if gaps_mm.min() < UNEVEN_SHARE * gaps_mm.max():
        raise ScanError(
            f"{series}: expected one image per place, found several (echoes, time points or "
            "repeats in one series). Give a folder with one volume."
        )
    if np.abs(gaps_mm - typical_mm).max() > UNEVEN_SHARE * typical_mm:
        raise ScanError(
            f"{series}: expected slices {typical_mm:.2f} mm apart, found gaps of "
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


def _convert_multi_frame(series: Path, files: Sequence[Path], target: Path) -> None:
    program = find_program(["dcm2niix"])
    if program is None:
        raise ScanError(
            f"{series}: expected one slice per DICOM file, found a multi-frame file, which needs "
            "dcm2niix. Run `pip install '.[dicom]'` in the folder of lesionless."
        )
    with tempfile.TemporaryDirectory(prefix="lesionless-dicom-") as work:
        alone = Path(work) / "files"  # without those of other series beside them
        alone.mkdir()
        for file in files:
            (alone / file.name).symlink_to(file.resolve())
        options = ["-b", "n", "-z", "n", "-f", "series", "-o", work]
        code, said = run_program([program, *options, str(alone)], folder=Path(work))
        found = sorted(Path(work).glob("*.nii"))
        if code != 0 or len(found) != 1:
            raise ScanError(
                f"{series}: expected one volume from dcm2niix, found {len(found)} (code {code}, "
                f"{said}). Convert the series by hand and give the NIfTI file."
            )
        nifti: Any = nib.load(found[0])
        _save(nib.Nifti1Image(nifti.get_fdata(dtype=np.float32), nifti.affine), target)


def _save(nifti: Any, target: Path) -> None:
    with whole(target) as partial:
        nib.save(nifti, partial)


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1][:160]
