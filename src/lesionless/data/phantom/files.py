"""The files of a phantom cohort: BIDS names, sidecars and tables, each written whole."""

import dataclasses
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from lesionless import __version__
from lesionless.arrays import Affine, Mask
from lesionless.data.phantom.subject import PhantomSubject
from lesionless.errors import UsageError
from lesionless.provenance import whole

_BIDS_VERSION = "1.9.0"

_README = """\
# Phantom FLAIR cohort

Synthetic scans made by `lesionless phantom` from the MNI152 average brain. No person was scanned.
Exact lesion masks are in derivatives/lesion, brain masks in derivatives/brain.
participants.tsv names the group, the split, the lesion load and the slice thickness.
"""

_COLUMNS = {
    "group": {"Description": "Health", "Levels": {"healthy": "No lesion", "patient": "Lesions"}},
    "split": {
        "Description": "Proposed use",
        "Levels": {"train": "Learn", "val": "Choose thresholds", "test": "Report"},
    },
    "lesion_volume_ml": {"Description": "Volume of the lesion mask", "Units": "mL"},
    "n_lesions": {"Description": "Components of the lesion mask, 26-connected"},
    "thickness_mm": {"Description": "Slice thickness", "Units": "mm"},
}


def begin(out: Path, recipe: str) -> None:
    """Write the files that describe the data set.

    Args:
        out: The data set's folder.
        recipe: How the cohort is made; two calls with one recipe may share a folder.

    Raises:
        UsageError: The folder holds something else.
    """
    description = _description("Phantom FLAIR cohort", "raw", recipe)
    path = out / "dataset_description.json"
    is_ours = path.is_file() and path.read_bytes() == description
    if not is_ours and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"{out}: expected a new or empty folder, or the same cohort, found something else. "
            "Choose another folder, or remove this one."
        )
    _write_bytes(path, description)
    for label in ("lesion", "brain"):
        folder = out / "derivatives" / label
        _write_bytes(
            folder / "dataset_description.json",
            _description(f"Phantom {label} masks", "derivative", recipe),
        )
    _write_bytes(out / "README.md", _README.encode())
    _write_bytes(out / "participants.json", _json(_COLUMNS))


def write_subject(
    out: Path, participant_id: str, phantom: PhantomSubject, *, is_stripped: bool
) -> None:
    """Write one subject's scan, lesion mask and brain mask, with their sidecars."""
    flair, lesion, brain = _stems(participant_id)
    sidecar = {
        "Modality": "MR",
        "Manufacturer": "lesionless phantom",
        "SliceThickness": round(phantom.thickness_mm, 6),
        "SkullStripped": is_stripped,
    }
    _write_bytes(out / f"{flair}.json", _json(sidecar))
    for stem, kind, mask in ((lesion, "Lesion", phantom.lesion), (brain, "Brain", phantom.brain)):
        _write_image(out / stem, mask.astype(np.uint8), phantom.affine)
        mask_sidecar = {"Type": kind, "Sources": [f"bids:raw:{flair}.nii.gz"]}
        _write_bytes(out / f"{stem}.json", _json(mask_sidecar))
    # the scan is last: where it is, the subject is whole
    _write_image(out / flair, phantom.image.astype(np.int16), phantom.affine)


def has_subject(out: Path, participant_id: str) -> bool:
    """Return whether `write_subject` has finished a subject in this folder."""
    flair, *_ = _stems(participant_id)
    return (out / f"{flair}.nii.gz").is_file()


def read_lesion(out: Path, participant_id: str) -> tuple[Mask, tuple[float, float, float]]:
    """Read a subject's lesion mask and its voxel size in mm."""
    _, lesion, _ = _stems(participant_id)
    nifti = nib.load(out / f"{lesion}.nii.gz")
    x, y, z = (float(size) for size in nifti.header.get_zooms())
    return np.asarray(nifti.dataobj) > 0, (x, y, z)


def write_participants(out: Path, subjects: Sequence[Any]) -> None:
    """Write participants.tsv, one row per subject, one column per field of its dataclass."""
    columns = [field.name for field in dataclasses.fields(subjects[0])]
    rows = [[str(getattr(subject, column)) for column in columns] for subject in subjects]
    text = "".join("\t".join(row) + "\n" for row in [columns, *rows])
    _write_bytes(out / "participants.tsv", text.encode())


def _stems(participant_id: str) -> tuple[str, str, str]:
    """Return the names of scan, lesion mask and brain mask, without extension."""
    name = f"{participant_id}/anat/{participant_id}"
    return (
        f"{name}_FLAIR",
        f"derivatives/lesion/{name}_label-lesion_mask",
        f"derivatives/brain/{name}_desc-brain_mask",
    )


def _description(name: str, kind: str, recipe: str) -> bytes:
    made_by = {"Name": "lesionless phantom", "Version": __version__, "Description": recipe}
    return _json(
        {
            "Name": name,
            "BIDSVersion": _BIDS_VERSION,
            "DatasetType": kind,
            "License": "CC0",
            "GeneratedBy": [made_by],
        }
    )


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()


def _write_image(stem: Path, voxels: np.ndarray, affine: Affine) -> None:
    """Write a NIfTI file whose bytes depend on its content alone: no name, no time."""
    nifti = nib.Nifti1Image(voxels, affine)
    nifti.header.set_xyzt_units("mm", "sec")
    content = gzip.compress(nifti.to_bytes(), compresslevel=4, mtime=0)
    _write_bytes(stem.with_name(f"{stem.name}.nii.gz"), content)


def _write_bytes(path: Path, content: bytes) -> None:
    with whole(path) as partial:
        partial.write_bytes(content)
