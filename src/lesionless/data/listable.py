"""Which folders are looked into, and which of them cannot be listed."""

import os
from pathlib import Path

from lesionless.data.bids import SET_ASIDE
from lesionless.errors import UsageError


def is_hidden(path: Path, root: Path) -> bool:
    """Say whether a file, or a folder between it and `root`, has a name that starts with a dot.

    What a stopped run leaves lies in such folders (`.partial-...`), and is no image to take.
    """
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def check_listable(folder: Path) -> None:
    """Refuse a folder of masks of which a part cannot be listed: lesions would count as normal.

    Raises:
        UsageError: It, or a folder below it, cannot.
    """
    for hidden in _unlistable(folder):
        raise UsageError(
            f"{hidden}: expected a folder whose masks can be listed, found that it cannot. Change "
            "its permissions."
        )


def unlistable_subjects(tree: Path) -> list[Path]:
    """Return the folders of subjects, and below them, whose files cannot be listed."""
    folders = [folder for part in ("sub-*", "ses-*", "anat") for folder in tree.glob(part)]
    return [hidden for folder in sorted(folders) for hidden in _unlistable(folder)]


def _unlistable(root: Path) -> list[Path]:
    """Return the folders that cannot be listed, but for those that are never looked into."""
    errors: list[OSError] = []
    for _ in os.walk(root, onerror=errors.append):
        pass
    folders = [Path(error.filename) for error in errors if isinstance(error, PermissionError)]
    return [
        folder
        for folder in folders
        if not is_hidden(folder, root) and SET_ASIDE.isdisjoint(folder.relative_to(root).parts)
    ]
