"""What a store knows of a scan before it is prepared: nothing, that it is there, or another one."""

from pathlib import Path

from lesionless import store
from lesionless.errors import ScanError
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.provenance import ScanStatus
from lesionless.stages.sources import only_masks_are_new, sources_of
from lesionless.stages.store_settings import is_prepared_so

NEW: tuple[None, str] = (None, "")
"""The state of a scan that is to be prepared."""


def state_of(
    stored: Path,
    scan: Path,
    settings: PrepareSettings,
    *,
    lesion: Path | None = None,
    brain: Path | None = None,
) -> tuple[ScanStatus | None, str]:
    """Return what becomes of a scan, with a message, or `NEW`.

    Args:
        stored: Where the prepared scan lies, if it does.
        scan: The scan that is asked for.
        settings: How it is to be prepared; another way means that a run was stopped amid
            preparing all scans again.
        lesion: Its reference lesions.
        brain: The user's brain mask.

    Raises:
        UsageError: The file in the store is damaged.
    """
    if not stored.exists():
        return NEW
    record = store.record(stored)
    if not is_prepared_so(record, settings):
        return NEW
    found = record.get("sources")
    if found is None:  # prepared by a version that did not record them
        return "present", _unused_lesions(stored, lesion)
    try:
        wanted = sources_of(scan, lesion=lesion, brain=brain)
        return NEW if only_masks_are_new(found, wanted) else ("present", "")
    except ScanError as error:
        return "failed", str(error)


def _unused_lesions(stored: Path, lesion: Path | None) -> str:
    if lesion is None or store.has_lesion_mask(stored):
        return ""
    return (
        f"{stored}: expected reference lesions as in {lesion}, found none; the scan was prepared "
        "before there were any. Give --overwrite to prepare all scans with theirs."
    )
