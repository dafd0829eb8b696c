"""The table of a scan's lesions: one row per component, and what its columns mean."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lesionless.data.derivatives import write_sidecar, write_tsv
from lesionless.scoring.segment import Lesion

_SPREADS = "standard deviations of normal scans"

COLUMNS = {
    "index": {"Description": "number of the lesion, the largest first"},
    "volume_ml": {"Description": "volume", "Units": "mL"},
    **{
        f"{axis}_mm": {"Description": f"{axis} of the centre, in the scan's space", "Units": "mm"}
        for axis in "xyz"
    },
    **{
        f"atlas_{axis}_mm": {"Description": f"{axis} of the centre, in the atlas", "Units": "mm"}
        for axis in "xyz"
    },
    "peak_score": {"Description": "highest anomaly score", "Units": _SPREADS},
    "mean_score": {"Description": "mean anomaly score", "Units": _SPREADS},
}


def write_lesions(path: Path, found: Sequence[Lesion]) -> None:
    """Write the lesions of a scan, and the JSON file that explains the columns.

    Args:
        path: The table.
        found: The lesions, the largest first.
    """
    write_tsv(path, list(COLUMNS), [_row(at, lesion) for at, lesion in enumerate(found, start=1)])
    write_sidecar(path, COLUMNS)


def _row(number: int, lesion: Lesion) -> list[Any]:
    return [
        number,
        round(lesion.volume_ml, 4),
        *(round(mm, 1) for mm in lesion.centre_mm + lesion.centre_atlas_mm),
        round(lesion.peak_score, 3),
        round(lesion.mean_score, 3),
    ]
