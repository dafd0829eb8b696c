"""What can be fetched: one manifest per data set, each file known by its hash."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from lesionless.errors import UsageError

FOLDER = Path(__file__).parent / "manifests"


@dataclass(frozen=True)
class Manifest:
    """Describe one data set.

    Attributes:
        name: Short name.
        title: Full name.
        licence: Terms of its makers.
        citation: What to cite.
        role: `atlas`, `healthy` or `lesion`.
        address: Where its files lie; file names are appended.
        sha256: From file name to hash.
    """

    name: str
    title: str
    licence: str
    citation: str
    role: str
    address: str
    sha256: dict[str, str]


def manifests() -> list[str]:
    """List the names of all manifests.

    >>> manifests()
    ['sri24']
    """
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_manifest(name: str) -> Manifest:
    """Return the manifest of a data set.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in manifests():
        raise UsageError(
            f"Expected a data set among {', '.join(manifests())}, found {name!r}. "
            "`lesionless fetch` lists them."
        )
    return Manifest(**tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")))
