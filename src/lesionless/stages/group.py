"""The group level: one table of all scans that were segmented into a folder."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lesionless.arrays import voxel_mm3
from lesionless.data.bids import BidsName, anomaly_path, output_name
from lesionless.data.derivatives import read_sidecar, read_tsv, write_sidecar, write_tsv
from lesionless.data.folders import Input, find_scans, of_subjects
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
        "Description": "that volume less that of the session that it is compared with",
        "Units": "mL",
    },
    "change_since": {
        "Description": "that session: the subject's first in this table, numbers in labels "
        "compared as numbers, of the same acquisition, voxel size, model, operating point and "
        "threshold"
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
    first: dict[tuple[Any, ...], dict[str, Any]] = {}  # rows of first sessions
    for found in _maps(folder, subjects):
        try:
            kind, row = _row(found.name, found.path)
            if kind not in first:
                _name_incomparable(row, first.values())
            rows.append(row | _change(row, first.setdefault(kind, row)))
        except ScanError as error:
            logger.warning("%s", error)
            failed[output_name(found.name, {}, "")] = str(error)
    table = folder / TABLE_NAME
    write_tsv(table, list(COLUMNS), [[row[column] for column in COLUMNS] for row in rows])
    write_sidecar(table, COLUMNS)
    return Group(table, failed)


def unsegmented(source: Path, folder: Path, *, subjects: Sequence[str] | None = None) -> list[str]:
    """Name the scans, of the suffixes that the maps in a folder have, of which there is no map.

    Args:
        source: The scans; those that are gone since are not missed.
        folder: The derivative that `segment_scans` wrote.
        subjects: As for `write_group`.

    Raises:
        UsageError: There is no such source.
    """
    maps = own_maps(folder)
    wanted = None if subjects is None else {label.removeprefix("sub-") for label in subjects}
    return [
        scan.name.stem
        for suffix in sorted({name.suffix for name in maps.values()})
        for scan in _scans(source, suffix)
        if wanted is None or scan.subject in wanted
        if anomaly_path(folder, scan.name) not in maps
    ]


def _scans(source: Path, suffix: str) -> list[Input]:
    """Return the scans of one suffix, if there are any."""
    try:
        return find_scans(source, suffix=suffix)
    except UsageError:
        if source.exists():
            return []
        raise


def _maps(folder: Path, subjects: Sequence[str] | None) -> list[Input]:
    """Return the anomaly maps below a folder, which are written last."""
    maps = [Input(path, name) for path, name in own_maps(folder).items()]
    maps.sort(key=lambda each: _naturally(str(each.path)))
    found = of_subjects(maps, subjects, folder) if maps else []
    if not found:
        raise UsageError(
            f"{folder}: expected scans that were segmented before (..._desc-anomaly_*.nii.gz), "
            "found none. Run the participant level first."
        )
    return found


def _naturally(text: str) -> list[tuple[int, str]]:
    """Return a key that sorts numbers in a text as numbers: 2 before 10."""
    parts = re.split(r"(\d+)", text)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _row(name: BidsName, path: Path) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what a scan shares with those that it can be compared with, and its own figures."""
    table = path.with_name(output_name(name, {"desc": "lesions"}, ".tsv"))
    brain = path.with_name(output_name(name, {"space": "orig", "desc": "brain"}, "_mask.nii.gz"))
    mask = path.with_name(output_name(name, {"space": "orig", "label": "L"}, "_mask.nii.gz"))
    point, volumes, made = point_of(path, mask), _volumes_ml(table), read_sidecar(path)
    brain_ml, voxel_mm = _brain(brain)
    row = {
        "participant_id": f"sub-{name.subject}",
        "session_id": f"ses-{name.session}" if name.session else None,
        "scan": output_name(name, {}, ""),
        "lesions": len(volumes),
        "lesion_ml": sum(volumes),
        "largest_ml": max(volumes, default=0.0),
        "brain_ml": brain_ml,
        "model": made.get("Model"),
        "operating_point": point,
    }
    alike = tuple(pair for pair in name.acquisition if pair[0] != "ses")
    how = (made.get("ModelSha256"), made.get("Threshold"))  # a name may mean another one since
    return (*alike, voxel_mm, row["model"], point, *how), row


def _name_incomparable(row: Mapping[str, Any], first: Iterable[Mapping[str, Any]]) -> None:
    """Say so where a subject has earlier sessions, and this one can be compared with none."""
    who = row["participant_id"], row["session_id"]
    if any(who[0] == other["participant_id"] and who[1] != other["session_id"] for other in first):
        logger.warning(
            "%s has no change_ml: another acquisition, voxel size, model, operating point or "
            "threshold than in earlier sessions",
            row["scan"],
        )


def _change(row: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, Any]:
    """Return what changed since the first session, and which one that is; None for that one."""
    if row is first:
        return {"change_ml": None, "change_since": None}
    change_ml = round(row["lesion_ml"] - first["lesion_ml"], 4)  # digits that the tables have
    return {"change_ml": change_ml, "change_since": first["session_id"]}


def _volumes_ml(table: Path) -> list[float]:
    try:
        return [float(row["volume_ml"]) for row in read_tsv(table)]
    except (OSError, ValueError, KeyError) as error:
        raise ScanError(
            f"{table}: expected a table of lesions, found one that cannot be read ({error}). "
            "Segment the scan again with --overwrite."
        ) from error


def _brain(mask: Path) -> tuple[float, tuple[float, ...]]:
    """Return the volume of a brain mask in ml, and the sides of its voxels in mm, to a tenth."""
    scan = read_map(mask)
    voxel_ml = voxel_mm3(scan.affine) / 1000
    sides_mm = tuple(round(side, 1) for side in scan.spacing_mm)
    return float(np.count_nonzero(scan.image > 0)) * voxel_ml, sides_mm
