"""The group level: one table of all scans that were segmented into a folder."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lesionless.arrays import voxel_mm3
from lesionless.data.bids import BidsName, output_name
from lesionless.data.derivatives import read_sidecar, read_tsv, write_sidecar, write_tsv
from lesionless.data.folders import Input, of_subjects
from lesionless.data.scan import read_map
from lesionless.errors import ScanError, UsageError
from lesionless.evaluation.matching import own_maps
from lesionless.stages.resume import point_of

logger = logging.getLogger(__name__)

TABLE_NAME = "group_lesions.tsv"
COLUMNS = {
    "participant_id": {"Description": "subject"},
    "session_id": {"Description": "session, where the scan has one"},
    "scan": {"Description": "name of the scan without its suffix"},
    "lesions": {"Description": "number of lesions in the mask at the model's operating point"},
    "lesion_ml": {"Description": "volume of all lesions", "Units": "mL"},
    "change_ml": {
        "Description": "that volume less that of the subject's first session in this "
        "table (by its label), in scans of one acquisition, model and operating point",
        "Units": "mL",
    },
    "largest_ml": {"Description": "volume of the largest lesion", "Units": "mL"},
    "brain_ml": {"Description": "volume of the brain mask", "Units": "mL"},
    "model": {"Description": "model that the lesions were found with"},
    "operating_point": {"Description": "where its lesion mask is cut"},
}


@dataclass(frozen=True)
class Group:
    """Say what became of the group level.

    Attributes:
        table: The table that was written.
        failed: Scans whose outputs could not be read, and why; they have no row.
    """

    table: Path
    failed: dict[str, str]


def write_group(folder: Path, *, subjects: Sequence[str] | None = None) -> Group:
    """Write one row per segmented scan, and what the columns mean.

    Args:
        folder: The derivative that `segment_scans` wrote.
        subjects: Labels of the only subjects to take, with or without `sub-`; all by default.

    Raises:
        UsageError: The folder holds no segmented scan, or none of a subject that is asked for.
    """
    rows, failed = [], {}
    first: dict[tuple[Any, ...], float] = {}  # volume of a subject's first session
    for found in _maps(folder, subjects):
        try:
            row = _row(found.name, found.path)
            row["change_ml"] = _change(found.name, row, first)
            rows.append([row[column] for column in COLUMNS])
        except ScanError as error:
            logger.warning("%s", error)
            failed[output_name(found.name, {}, "")] = str(error)
    table = folder / TABLE_NAME
    write_tsv(table, list(COLUMNS), rows)
    write_sidecar(table, COLUMNS)
    return Group(table, failed)


def _maps(folder: Path, subjects: Sequence[str] | None) -> list[Input]:
    """Return the anomaly maps below a folder, which are written last."""
    maps = [Input(path, name) for path, name in sorted(own_maps(folder).items())]
    found = of_subjects(maps, subjects, folder) if maps else []
    if not found:
        raise UsageError(
            f"{folder}: expected scans that were segmented before (..._desc-anomaly_*.nii.gz), "
            "found none. Run the participant level first."
        )
    return found


def _row(name: BidsName, path: Path) -> dict[str, Any]:
    table = path.with_name(output_name(name, {"desc": "lesions"}, ".tsv"))
    brain = path.with_name(output_name(name, {"space": "orig", "desc": "brain"}, "_mask.nii.gz"))
    mask = path.with_name(output_name(name, {"space": "orig", "label": "L"}, "_mask.nii.gz"))
    point, volumes = point_of(path, mask), _volumes_ml(table)
    return {
        "participant_id": f"sub-{name.subject}",
        "session_id": f"ses-{name.session}" if name.session else None,
        "scan": output_name(name, {}, ""),
        "lesions": len(volumes),
        "lesion_ml": sum(volumes),
        "largest_ml": max(volumes, default=0.0),
        "brain_ml": _brain_ml(brain),
        "model": read_sidecar(path).get("Model"),
        "operating_point": point,
    }


def _change(
    name: BidsName, row: Mapping[str, Any], first: dict[tuple[Any, ...], float]
) -> float | None:
    """Return the change since the first session, which is noted; None for that one itself."""
    if name.session is None:
        return None
    alike = tuple(pair for pair in name.acquisition if pair[0] != "ses")
    key = (*alike, row["model"], row["operating_point"])
    if key not in first:
        first[key] = row["lesion_ml"]
        return None
    return float(row["lesion_ml"] - first[key])


def _volumes_ml(table: Path) -> list[float]:
    try:
        return [float(row["volume_ml"]) for row in read_tsv(table)]
    except (OSError, ValueError, KeyError) as error:
        raise ScanError(
            f"{table}: expected a table of lesions, found one that cannot be read ({error}). "
            "Segment the scan again with --overwrite."
        ) from error


def _brain_ml(mask: Path) -> float:
    scan = read_map(mask)
    voxel_ml = voxel_mm3(scan.affine) / 1000
    return float(np.count_nonzero(scan.image > 0)) * voxel_ml
