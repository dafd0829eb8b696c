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


def check_settings(
    out: Path, settings: PrepareSettings, asked: Set[Path], *, overwrite: bool = False
) -> None:
    """Stop where a store would mix scans prepared in two ways.

    Args:
        out: The store, which need not exist yet.
        settings: How scans are to be prepared.
        asked: Files of the scans that are asked for, whether they are there or not.
        overwrite: Whether these are prepared again.

    Raises:
        UsageError: They would.
    """
    stored = set(out.glob(f"sub-*/[!.]*{store.SUFFIX}"))
    # A run that was stopped amid preparing all again has said so in the store, and goes on
    goes_on = (out / SETTINGS).exists() and not _otherwise(asdict(load_settings(out)), settings)
    for kept in sorted(stored - asked if overwrite or goes_on else stored):
        if differing := _otherwise(store.record(kept).get("settings", {}), settings):
            raise UsageError(
                f"{out}: expected scans prepared with {told(differing)}. Choose another folder, or "
                "give --overwrite and all scans that are in it."
            )


def check_unmixed(stored: Path, record: Mapping[str, Any], settings: PrepareSettings) -> None:
    """Refuse a scan that was prepared otherwise than its store says.

    Args:
        stored: The scan's file, for the message.
        record: What it says of its preparation.
        settings: Those of the store.

    Raises:
        UsageError: A run that was to prepare all scans of the store again was stopped.
    """
    if differing := _otherwise(record.get("settings", {}), settings):
        raise UsageError(
            f"{stored}: expected a scan prepared with {told(differing)}: a run was stopped that "
            "prepared the store again. Run the same `lesionless prepare`, without --overwrite."
        )


def is_prepared_so(record: Mapping[str, Any], settings: PrepareSettings) -> bool:
    """Tell whether a scan was prepared with some settings, as far as its record says."""
    return not _otherwise(record.get("settings", {}), settings)


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


def _otherwise(found: Mapping[str, Any], settings: PrepareSettings) -> dict[str, Any]:
    """Return in what settings that were found differ from others, as far as they say."""
    return dict(differences(asdict(_meaningful(settings)), {**found, **_MEANINGLESS}))


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
