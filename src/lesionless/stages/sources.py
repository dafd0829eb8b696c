"""Of which files a scan was made, and which of them are others than those asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lesionless.data.fingerprint import fingerprint
from lesionless.errors import ScanError

SCAN, LESION, BRAIN = "scan", "lesion", "brain"

WAY_OUT = "Give --overwrite to make it anew, or choose another folder."


def sources_of(
    scan: Path, *, lesion: Path | None = None, brain: Path | None = None
) -> dict[str, dict[str, str] | None]:
    """Return path and fingerprint of the files that a scan is made of, as JSON values.

    Args:
        scan: The scan.
        lesion: Its reference lesions; None where there are none.
        brain: The user's brain mask; None where there is none.

    Raises:
        ScanError: A file cannot be read.
    """
    files = {SCAN: scan, LESION: lesion, BRAIN: brain}
    return {
        role: {"path": str(path), "sha256": fingerprint(path)} if path else None
        for role, path in files.items()
    }


def changed(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return the roles whose files hold something else; where the files lie has no say.

    Args:
        found: The files that a scan was made of, from `sources_of`.
        wanted: Those that are asked for.
    """
    return [role for role in (SCAN, LESION, BRAIN) if _sha256(found, role) != _sha256(wanted, role)]


def only_masks_are_new(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Tell whether a mask came to a scan or is another one since the scan was made.

    Args:
        found: See `changed`.
        wanted: See `changed`.

    Raises:
        ScanError: The scan is another one, or a mask is gone.
    """
    roles = changed(found, wanted)
    for role in roles:
        if role == SCAN or wanted[role] is None:
            raise other_source(found, wanted, role)
    return bool(roles)


def other_source(found: Mapping[str, Any], wanted: Mapping[str, Any], role: str) -> ScanError:
    """Return the error that says which file a scan was made of, and which is asked for."""
    return ScanError(
        f"{wanted[SCAN]['path']}: expected what is there to be made with {_text(wanted, role)}, "
        f"found it made with {_text(found, role)}. {WAY_OUT}"
    )


def _sha256(sources: Mapping[str, Any], role: str) -> str | None:
    file = sources.get(role)
    return file and file["sha256"]


def _text(sources: Mapping[str, Any], role: str) -> str:
    file = sources.get(role)
    name = role if role == SCAN else f"{role} mask"
    return f"the {name} {file['path']} (sha256 {file['sha256'][:12]})" if file else f"no {name}"
