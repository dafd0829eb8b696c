"""The DICOM series below a folder, and which of them are of the contrast that is asked for."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lesionless.data.bids import SET_ASIDE
from lesionless.data.dicom import describe, files_of, number_of, series_in
from lesionless.errors import UsageError

logger = logging.getLogger(__name__)

# In the description of a series, by suffix: words, without spaces, hyphens and the like, of which
# one is there, and what must not be; others go by their suffix itself. Siemens calls a FLAIR
# dark-fluid, and T1-weighted scans may be fluid-attenuated too.
_WORDS = {"FLAIR": ("flair", "darkfluid")}
_OTHERS = {"FLAIR": re.compile(r"(?<![a-z])t1", re.IGNORECASE)}


@dataclass(frozen=True)
class Series:
    """Name one DICOM series.

    Attributes:
        path: The folder that holds its files and no others; or the first of its files, where
            there are several series in one folder.
        name: A plain name for it: its folder's; where that lies deeper, those of the folders that
            lead to it, from the one that was given on, which may be called as the patient. Where
            there are several in one folder, the number of the series in its study comes last.
    """

    path: Path
    name: str


def find_series(folder: Path, suffix: str) -> list[Series]:
    """Find the DICOM series in a folder and below it, at any depth.

    An export holds many series of one visit. Where some are described (`SeriesDescription`, or
    else `ProtocolName`) as what is asked for, those that are described as something else are left
    out and counted in a warning. Series without a description are kept, and so are all of them
    where no description fits.

    Args:
        folder: `derivatives`, `sourcedata`, `code` and hidden folders below it are passed by.
        suffix: What the series should show, for example FLAIR.
    """
    folder = folder.resolve()  # so that `.` has a name
    said = {each: describe(each.path) for each in _below(folder, folder, seen=set())}
    fitting = {each for each, text in said.items() if _fits(text, suffix)}
    kept = [each for each, text in said.items() if each in fitting or not (text and fitting)]
    left_out = sorted({text for each, text in said.items() if each not in kept})
    if left_out:
        logger.warning(
            "%s: %d of %d DICOM series are left out, described as other than %s: %s",
            folder,
            len(said) - len(kept),
            len(said),
            suffix,
            ", ".join(left_out),
        )
    return kept


def series_beside(file: Path) -> Series:
    """Return the series that a DICOM file belongs to, under the name that its folder gives it.

    Raises:
        UsageError: It belongs to none of those in its folder.
    """
    folder = file.parent.resolve()  # a link to a file keeps its place
    first, *_ = files_of(folder / file.name)
    for series in _series_of(folder, folder):
        if series.path in (folder, first):
            return series
    raise UsageError(
        f"{file}: expected an image of a DICOM series, found one that belongs to none of those in "
        "its folder. Give another file."
    )


def _series_of(folder: Path, start: Path) -> list[Series]:
    """Return the series right inside a folder."""
    name, paths = _name(folder, start), series_in(folder)
    if len(paths) == 1:
        return [Series(paths[0], name)]
    numbers = [number_of(path) for path in paths]
    if len(set(numbers) - {""}) < len(paths):  # of several studies, or not numbered
        numbers = [str(place) for place in range(1, len(paths) + 1)]
    return [Series(path, f"{name}-{number}") for path, number in zip(paths, numbers, strict=True)]


def _name(series: Path, start: Path) -> str:
    parts = series.relative_to(start).parts
    return parts[0] if len(parts) == 1 else "-".join([start.name, *parts])


def _below(folder: Path, start: Path, seen: set[Path]) -> Iterator[Series]:
    """Yield the series in a folder and in those below it; what links lead to, once."""
    seen.add(folder.resolve())
    try:
        inside, here = sorted(folder.iterdir()), _series_of(folder, start)
    except OSError as error:
        logger.warning("%s is passed by: %s", folder, error.strerror)
        return
    yield from here
    for inner in inside:
        is_passed_by = inner.name.startswith(".") or inner.name in SET_ASIDE
        if not is_passed_by and inner.is_dir() and inner.resolve() not in seen:
            yield from _below(inner, start, seen)


def _fits(description: str, suffix: str) -> bool:
    plain = "".join(letter for letter in description.lower() if letter.isalnum())
    if suffix in _OTHERS and _OTHERS[suffix].search(description):
        return False
    return any(word in plain for word in _WORDS.get(suffix, (suffix.lower(),)))
