"""The DICOM series below a folder, and which of them are of the contrast that is asked for."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lesionless.data.bids import SET_ASIDE
from lesionless.data.dicom import describe, holds_dicom

logger = logging.getLogger(__name__)

# Words in the description of a series, without spaces, hyphens and the like, by suffix; others
# go by their suffix itself. Siemens calls a FLAIR dark-fluid.
_WORDS = {"FLAIR": ("flair", "darkfluid")}


@dataclass(frozen=True)
class Series:
    """Name one DICOM series.

    Attributes:
        folder: Holds its files.
        name: A plain name for it: its folder's; where that lies deeper, those of the folders that
            lead to it, from the one that was given on, which may be called as the patient.
    """

    folder: Path
    name: str


def find_series(folder: Path, suffix: str) -> list[Series]:
    """Find the DICOM series in a folder, or else below it, at any depth.

    An export holds many series of one visit. Where some are described (`SeriesDescription`,
    `ProtocolName`) as what is asked for, those that are described as something else are left out
    and counted in a warning. Series without a description are kept, and so are all of them where
    no description fits.

    Args:
        folder: `derivatives`, `sourcedata`, `code` and hidden folders below it are passed by.
        suffix: What the series should show, for example FLAIR.
    """
    folder = folder.resolve()  # so that `.` has a name
    if holds_dicom(folder):
        return [Series(folder, folder.name)]
    described = {each: describe(each) for each in _below(folder, seen=set())}
    fitting = {each for each, text in described.items() if _fits(text, suffix)}
    kept = [each for each, text in described.items() if each in fitting or not (text and fitting)]
    left_out = sorted({text for each, text in described.items() if each not in kept})
    if left_out:
        logger.warning(
            "%s: %d of %d DICOM series are left out, described as other than %s: %s",
            folder,
            len(described) - len(kept),
            len(described),
            suffix,
            ", ".join(left_out),
        )
    return [Series(each, _name(each, folder)) for each in kept]


def _name(series: Path, start: Path) -> str:
    parts = series.relative_to(start).parts
    return "-".join([start.name, *parts] if len(parts) > 1 else parts)


def _below(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """Yield the folders below one that hold DICOM files; what links lead to, once."""
    for inner in sorted(folder.iterdir()):
        is_passed_by = inner.name.startswith(".") or inner.name in SET_ASIDE
        if is_passed_by or not inner.is_dir() or inner.resolve() in seen:
            continue
        seen.add(inner.resolve())
        if holds_dicom(inner):
            yield inner
        else:
            yield from _below(inner, seen)


def _fits(description: str, suffix: str) -> bool:
    plain = "".join(letter for letter in description.lower() if letter.isalnum())
    return any(word in plain for word in _WORDS.get(suffix, (suffix.lower(),)))
