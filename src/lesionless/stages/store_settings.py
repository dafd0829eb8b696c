"""How the scans of a store were prepared, as its `prepare.json` says."""

import json
from collections.abc import Mapping, Set
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lesionless import store
from lesionless.data.bids import PLAIN_SUFFIX
from lesionless.errors import UsageError
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.provenance import json_text, write_text_whole
from lesionless.training.differences import differences, told

SETTINGS = "prepare.json"
_MEANINGLESS: dict[str, Any] = {"threads": 1, "device": "cpu"}


def check_settings(out: Path, settings: PrepareSettings, *, again: Set[Path] = frozenset()) -> None:
    """Stop where a store would mix scans prepared in two ways.

    Args:
        out: The store, which need not exist yet.
        settings: How scans are to be prepared.
        again: Files of the store that are prepared again if need be.

    Raises:
        UsageError: They would.
    """
    kept = set(out.glob(f"sub-*/[!.]*{store.SUFFIX}")) - again
    if not kept or not (out / SETTINGS).exists():
        return
    differing = differences(asdict(_meaningful(settings)), asdict(load_settings(out)))
    if differing:
        raise UsageError(
            f"{out}: expected scans prepared with {told(differing)}. Choose another folder, or "
            "give --overwrite and all scans that are in it."
        )


def is_prepared_so(record: Mapping[str, Any], settings: PrepareSettings) -> bool:
    """Tell whether a scan was prepared with some settings, as far as its record says."""
    found = {**record.get("settings", {}), **_MEANINGLESS}
    return not differences(asdict(_meaningful(settings)), found)


def check_suffix(out: Path, suffix: str, asked: Set[str]) -> None:
    """Stop where a store would mix contrasts; a store without a suffix goes by its scans' names.

    Args:
        out: The store, which need not exist yet.
        suffix: BIDS suffix of the scans that are asked for.
        asked: The suffixes in their names.

    Raises:
        UsageError: It would.
    """
    stored = _suffixes(out)
    if not stored or not (out / SETTINGS).exists():
        return
    recorded = _fields(out).get("suffix")
    is_same = recorded == suffix if recorded else stored & asked
    if not is_same:
        raise UsageError(
            f"{out}: expected a store of {suffix} scans, found one of "
            f"{recorded or ', '.join(sorted(stored))}. Choose another folder: models learn from "
            "one contrast."
        )


def write_settings(out: Path, settings: PrepareSettings, suffix: str) -> None:
    """Write down how the scans of a store are prepared, and which they are."""
    fields = {**asdict(_meaningful(settings)), "suffix": suffix}
    write_text_whole(out / SETTINGS, json_text(fields))


def load_settings(folder: Path) -> PrepareSettings:
    """Return the settings that a store was filled with.

    Raises:
        UsageError: The folder is no store.
    """
    fields = _fields(folder)
    fields.pop("suffix", None)
    try:
        return PrepareSettings(**fields)
    except TypeError as error:
        raise _no_store(folder, error) from error


def load_suffix(folder: Path) -> str:
    """Return the BIDS suffix of a store's scans: as written down, or as their names say.

    Raises:
        UsageError: The folder is no store.
    """
    recorded = _fields(folder).get("suffix")
    return recorded or min(_suffixes(folder), default=PLAIN_SUFFIX)


def _suffixes(folder: Path) -> set[str]:
    scans = folder.glob(f"sub-*/*{store.SUFFIX}")
    return {path.name.removesuffix(store.SUFFIX).rpartition("_")[2] for path in scans}


def _fields(folder: Path) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        return fields
    except (OSError, ValueError) as error:
        raise _no_store(folder, error) from error


def _no_store(folder: Path, error: Exception) -> UsageError:
    return UsageError(
        f"{folder}: expected prepared scans, found {type(error).__name__}: {error}. "
        "Run `lesionless prepare BIDS_DIR OUT` first."
    )


def _meaningful(settings: PrepareSettings) -> PrepareSettings:
    """Return the settings without those that change no number."""
    return replace(settings, **_MEANINGLESS)
