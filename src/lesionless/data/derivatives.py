"""The text files of a BIDS derivative: its description, sidecars and tables, each written whole."""

import json
import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from lesionless.data.bids import stem_of
from lesionless.errors import UsageError
from lesionless.provenance import json_text, write_text_whole

DESCRIPTION_NAME = "dataset_description.json"
_BIDS_VERSION = "1.10.0"


def write_dataset_description(folder: Path, *, name: str, sources: Sequence[Path] = ()) -> None:
    """Describe a folder as a BIDS derivative made by this tool.

    Args:
        folder: The root of the derivative.
        name: What the data set holds, in a few words.
        sources: The folders or files that it was made from.

    Raises:
        UsageError: The folder is a data set that this tool did not make, such as the input.
    """
    path = folder / DESCRIPTION_NAME
    if path.exists() and not _is_ours(path):
        raise UsageError(
            f"{folder}: expected a new folder or one written by lesionless, found a data set of "
            "another origin. Choose another folder for the outputs."
        )
    description = {
        "Name": name,
        "BIDSVersion": _BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "lesionless", "Version": version("lesionless")}],
        "SourceDatasets": [{"URL": source.resolve().as_uri()} for source in sources],
    }
    write_json(path, description)


def write_sidecar(image: Path, content: Mapping[str, Any]) -> Path:
    """Write the JSON file that goes with an image, a table or a transform; return its path."""
    path = _sidecar_of(image)
    write_json(path, content)
    return path


def read_sidecar(image: Path) -> dict[str, Any]:
    """Read the JSON file that goes with an image; empty where there is none that can be read."""
    try:
        content = json.loads(_sidecar_of(image).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: Path, content: Any) -> None:
    """Write JSON; dataclasses, paths and arrays are taken apart, NaN becomes null."""
    write_text_whole(path, json_text(content))


def write_tsv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table as BIDS has them: tabs between fields, `n/a` where a value is missing.

    Args:
        path: The file.
        columns: Names of the columns.
        rows: One value per column; numbers are written with six digits, None and NaN as `n/a`.
    """
    lines = [columns, *([_field(value) for value in row] for row in rows)]
    if any(len(line) != len(columns) for line in lines):
        raise ValueError(f"{path.name}: a row does not have the {len(columns)} fields expected")
    write_text_whole(path, "".join("\t".join(line) + "\n" for line in lines))


def read_tsv(path: Path) -> list[dict[str, str]]:
    """Read a table that `write_tsv` wrote: one dictionary per row, values as they stand there.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is empty, not UTF-8, or a row has another number of fields than the first.
    """
    columns, *rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _sidecar_of(image: Path) -> Path:
    stem = stem_of(image.name)
    stem = stem if stem != image.name else image.stem
    return image.with_name(f"{stem}.json")


def _is_ours(path: Path) -> bool:
    try:
        makers = json.loads(path.read_text(encoding="utf-8")).get("GeneratedBy", [])
        return any(maker.get("Name") == "lesionless" for maker in makers)
    except (ValueError, AttributeError):  # not JSON, or not an object: certainly not ours
        return False


def _field(value: Any) -> str:
    is_number = isinstance(value, float | np.floating)
    if value is None or (is_number and math.isnan(value)):
        return "n/a"
    if is_number:
        return f"{value:.6g}"
    return " ".join(str(value).split())
