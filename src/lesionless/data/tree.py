"""The BIDS tree that a path lies in: its table of participants and its masks are of the whole."""

import os
from pathlib import Path

from lesionless.data.participants import TABLE_NAME
from lesionless.errors import UsageError


def tree_of(path: Path) -> Path:
    """Return the root of the tree that a path is part of, by the names of its folders.

    Args:
        path: A scan, or a folder: the tree itself, `sub-X`, `sub-X/ses-Y`, or `anat` in them.

    Returns:
        The folder that holds `sub-X`; where the path does not lie below one, the folder itself, or
        that of the file.

    >>> tree_of(Path("/data/cohort/sub-01/ses-1/anat")).as_posix()
    '/data/cohort'
    >>> tree_of(Path("/data/cohort")).as_posix()
    '/data/cohort'
    """
    whole = Path(os.path.normpath(path.absolute()))  # a link keeps its name: where it lies
    start = whole.parent if whole.is_file() else whole
    for folder in (start, *start.parents):
        if folder.name.startswith("sub-"):
            return folder.parent
        if folder.name != "anat" and not folder.name.startswith("ses-"):
            break
    return start


def whole_of(derivative: Path) -> Path:
    """Return the tree that a folder of derivatives belongs to, or the folder itself.

    >>> whole_of(Path("/data/cohort/derivatives/lesion")).as_posix()
    '/data/cohort'
    >>> whole_of(Path("/data/masks")).as_posix()
    '/data/masks'
    """
    folder = derivative.absolute()
    if (folder / TABLE_NAME).exists():
        return folder
    above = (each for each in (folder, *folder.parents) if each.name == "derivatives")
    return next((each.parent for each in above), folder)


def check_apart(source: Path, out: Path) -> None:
    """Refuse to write among the scans of a folder, or into the folders of a tree's subjects.

    Args:
        source: The scans; a single file that is in no tree may have its outputs beside it.
        out: Where outputs go.

    Raises:
        UsageError: Outputs would lie among scans.
    """
    tree, place = tree_of(source).resolve(), out.resolve()
    is_below = place.is_relative_to(tree) and place != tree
    in_subject = is_below and place.relative_to(tree).parts[0].startswith("sub-")
    is_among = place == (tree if _is_part(source) else source.resolve())
    if in_subject or is_among:
        raise UsageError(
            f"{out}: expected another folder than that of the scans. Choose one for the outputs, "
            f"such as {tree / 'derivatives' / 'lesionless'}."
        )


def _is_part(source: Path) -> bool:
    """Tell whether a path lies in the folder of a tree's subject, or is one."""
    parts = Path(os.path.normpath(source.absolute())).relative_to(tree_of(source)).parts
    folders = parts if source.is_dir() else parts[:-1]
    return bool(folders) and folders[0].startswith("sub-")
