"""What is in a file, in one line of text, so that two scans of one name are told apart."""

import hashlib
from pathlib import Path

from lesionless.data.dicom import files_of, is_series
from lesionless.errors import ScanError


def fingerprint(path: Path) -> str:
    """Return the sha256 of a scan's or mask's files; where they lie and when has no say.

    Args:
        path: A NIfTI file, the `.img` of a NIfTI pair, whose `.hdr` counts too, or what stands for
            a DICOM series, whose images count with their names.

    Raises:
        ScanError: A file cannot be read.
    """
    try:
        if not is_series(path):
            return _sha256(_with_header(path))
        lines = [f"{_sha256([file])} {file.name}\n" for file in files_of(path)]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    except OSError as error:
        raise ScanError(
            f"{path}: expected a file that can be read, found {type(error).__name__}: {error}. "
            "Check the path and who may read it."
        ) from error


def _with_header(path: Path) -> list[Path]:
    header = path.with_suffix(".hdr")
    return [path, header] if path.suffix == ".img" and header.exists() else [path]


def _sha256(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
