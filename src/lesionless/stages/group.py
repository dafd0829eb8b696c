"""The group level: one table of all scans that were segmented into a folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from lesionless.data.bids import BidsName, output_name, parse_name
from lesionless.data.derivatives import read_tsv, write_sidecar, write_tsv
from lesionless.errors import UsageError

TABLE_NAME = "group_lesions.tsv"
COLUMNS = {
    "participant_id": {"Description": "subject"},
    "session_id": {"Description": "session, where the scan has one"},
    "scan": {"Description": "name of the scan without its suffix"},
    "lesions": {"Description": "number of lesions in the mask at the model's operating point"},
    "lesion_ml": {"Description": "volume of all lesions", "Units": "mL"},
    "largest_ml": {"Description": "volume of the largest lesion", "Units": "mL"},
    "brain_ml": {"Description": "volume of the brain mask", "Units": "mL"},
}


def write_group(folder: Path, *, subjects: Sequence[str] = ()) -> Path:
    """Write one row per segmented scan, and what the columns mean; return the table.

    Args:
        folder: The derivative that `segment_scans` wrote.
        subjects: Labels of the only subjects to take, with or without `sub-`; none for all.

    Raises:
        UsageError: The folder holds no segmented scan of these subjects.
    """
    wanted = {subject.removeprefix("sub-") for subject in subjects}
    scans = [scan for scan in _tables(folder) if not wanted or scan[0].subject in wanted]
    if not scans:
        raise UsageError(
            f"{folder}: expected scans that were segmented before (sub-*/**/*_desc-lesions.tsv), "
            "found none. Run the participant level first."
        )
    table = folder / TABLE_NAME
    write_tsv(table, list(COLUMNS), [_row(name, path) for name, path in scans])
    write_sidecar(table, COLUMNS)
    return table


def _tables(folder: Path) -> list[tuple[BidsName, Path]]:
    """Return the tables of lesions below a folder with the names of their scans, sorted."""
    paths = folder.glob("sub-*/**/anat/*_desc-lesions.tsv")
    named = ((parse_name(f"{path.stem}_table"), path) for path in paths)  # a name needs a suffix
    return sorted(((name, path) for name, path in named if name), key=lambda scan: scan[0].stem)


def _row(name: BidsName, path: Path) -> list[Any]:
    volumes = [float(row["volume_ml"]) for row in read_tsv(path)]
    brain = path.with_name(output_name(name, {"space": "orig", "desc": "brain"}, "_mask.nii.gz"))
    return [
        f"sub-{name.subject}",
        f"ses-{name.session}" if name.session else None,
        output_name(name, {}, ""),
        len(volumes),
        sum(volumes),
        max(volumes, default=0.0),
        _volume_ml(brain),
    ]


def _volume_ml(mask: Path) -> float:
    image = nib.load(mask)
    voxel_mm3 = float(abs(np.linalg.det(image.affine[:3, :3])))
    return float(np.count_nonzero(np.asarray(image.dataobj))) * voxel_mm3 / 1000
