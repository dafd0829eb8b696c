"""Prepared scans on disk: one file per scan, written whole or not at all."""

import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lesionless.errors import ScanError, UsageError
from lesionless.preprocess.prepared import Geometry, PreparedScan
from lesionless.provenance import whole

SUFFIX = "_prepared.npz"

# What numpy raises for a missing, foreign, empty, truncated or damaged archive
_UNREADABLE = (
    *(OSError, ValueError, KeyError, AttributeError, TypeError),
    *(EOFError, zipfile.BadZipFile, zlib.error),
)


def save(folder: Path, scan: PreparedScan) -> Path:
    """Write one prepared scan to `folder/sub-X/NAME_prepared.npz`.

    Raises:
        ScanError: The image is not within [0, 1], which the file could not hold.
    """
    _check_range(scan)
    path = path_of(folder, scan.subject, scan.name)
    with whole(path) as partial:
        np.savez_compressed(partial, allow_pickle=False, **_arrays(scan))
    return path


def load(path: Path) -> PreparedScan:
    """Read one prepared scan.

    Raises:
        UsageError: The file is missing, damaged, or was not written by `save`.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _scan({name: arrays[name] for name in arrays.files})
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def record(path: Path) -> dict[str, Any]:
    """Read what was done to a prepared scan, without unpacking its images.

    Raises:
        UsageError: The file is missing, damaged, or was not written by `save`.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found: dict[str, Any] = json.loads(str(arrays["text"]))["record"]
            return found
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def checksum(path: Path) -> str:
    """Return what tells a prepared scan from others of its name, without unpacking it.

    It is made of the checksums that the file holds of its arrays, but for the text, in which stands
    how long the preparation took.

    Raises:
        UsageError: The file is missing or damaged.
    """
    sums = _sums(path)
    return " ".join(f"{name} {sums[name]:08x}" for name in sorted(sums) if name != "text.npy")


def has_lesion_mask(path: Path) -> bool:
    """Tell whether a prepared scan has reference lesions, if only empty ones, without unpacking it.

    Raises:
        UsageError: The file is missing or damaged.
    """
    return "lesion.npy" in _sums(path)


def path_of(folder: Path, subject: str, name: str) -> Path:
    """Return the file that holds the scan `name` of `subject`."""
    return folder / f"sub-{subject}" / f"{name}{SUFFIX}"


def paths(folder: Path) -> list[Path]:
    """List the prepared scans below a folder, sorted by name.

    Raises:
        UsageError: There is none.
    """
    found = sorted(folder.glob(f"sub-*/[!.]*{SUFFIX}"))
    if not found:
        raise UsageError(
            f"{folder}: expected prepared scans (sub-*/*{SUFFIX}), found none. "
            "Run `lesionless prepare BIDS_DIR OUT` first."
        )
    return found


def subject_of(path: Path) -> str:
    """Return the label, without `sub-`, of whom a prepared scan shows."""
    return path.parent.name.removeprefix("sub-")


def scans(folder: Path) -> Iterator[PreparedScan]:
    """Read the prepared scans below a folder one after the other, sorted by name."""
    return (load(path) for path in paths(folder))


def _sums(path: Path) -> dict[str, int]:
    """Return the checksums of a prepared scan's arrays by the names of their files."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {part.filename: part.CRC for part in archive.infolist()}
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UsageError:
    return UsageError(
        f"{path}: expected a prepared scan, found a file that cannot be read as one "
        f"({type(error).__name__}). Remove it and run `lesionless prepare` again."
    )


def _check_range(scan: PreparedScan) -> None:
    low, high = float(scan.image.min()), float(scan.image.max())
    if not (low >= 0 and high <= 1):
        raise ScanError(
            f"{scan.name}: expected a prepared image in [0, 1], found {low:g} to {high:g}. "
            "Look at the scan and its brain mask; if both are fine, report this message."
        )


def _arrays(scan: PreparedScan) -> dict[str, Any]:
    geometry = scan.geometry
    arrays = {
        # 16 bits hold [0, 1] to 8e-6, finer than any scanner; half the size of float32
        "image": np.round(scan.image * 65535).astype(np.uint16),
        "brain": np.packbits(scan.brain),
        "scan_brain": np.packbits(scan.scan_brain),
        "scan_affine": geometry.scan_affine,
        "index_to_scan": geometry.index_to_scan,
        "index_to_atlas": geometry.index_to_atlas,
        "text": np.array(json.dumps(_text(scan))),
    }
    if scan.lesion is not None:
        arrays["lesion"] = np.packbits(scan.lesion)
    return arrays


def _text(scan: PreparedScan) -> dict[str, Any]:
    return {
        "name": scan.name,
        "subject": scan.subject,
        "scan_shape": list(scan.geometry.scan_shape),
        "atlas": scan.geometry.atlas,
        "offset": scan.offset,
        "scale": scan.scale,
        "quality": dict(scan.quality),
        "record": dict(scan.record),
    }


def _scan(arrays: dict[str, Any]) -> PreparedScan:
    text = json.loads(str(arrays["text"]))
    image = arrays["image"].astype(np.float32) / 65535
    scan_shape = tuple(text["scan_shape"])
    return PreparedScan(
        name=text["name"],
        subject=text["subject"],
        image=image,
        brain=_unpack(arrays["brain"], image.shape),
        lesion=_unpack(arrays["lesion"], image.shape) if "lesion" in arrays else None,
        scan_brain=_unpack(arrays["scan_brain"], scan_shape),
        geometry=Geometry(
            scan_shape=scan_shape,
            scan_affine=arrays["scan_affine"],
            index_to_scan=arrays["index_to_scan"],
            index_to_atlas=arrays["index_to_atlas"],
            atlas=text["atlas"],
        ),
        offset=text["offset"],
        scale=text["scale"],
        quality=text["quality"],
        record=text["record"],
    )


def _unpack(bits: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape).astype(bool)
