"""What a command did: a manifest beside its outputs, written at its start and kept up to date."""

import dataclasses
import json
import math
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

MANIFEST_NAME = "run.json"
"""The usual file name of a manifest, at the top of the output folder."""

_PACKAGES = ("torch", "numpy", "scipy", "nibabel", "SimpleITK", "nilearn", "deepbet")

ScanStatus = Literal["done", "present", "failed"]
"""`present`: the outputs were there from an earlier run, nothing was done."""


class RunManifest:
    """Keep the record of one run of a command in a JSON file.

    The file is written when the run is entered, after every scan, and when the run is left: with
    the status `done`, `incomplete` (some scans failed), `failed` or `interrupted`. A run that was
    killed stands there as `running`.

    >>> folder = Path(tempfile.mkdtemp())
    >>> with RunManifest(folder / "run.json", command="segment", arguments=[], settings={}) as run:
    ...     run.note_scan("sub-1_FLAIR", "failed", message="not a NIfTI file")
    >>> run.failed
    ['sub-1_FLAIR']
    >>> json.loads((folder / "run.json").read_text())["status"]
    'incomplete'
    """

    def __init__(
        self,
        path: Path,
        *,
        command: str,
        arguments: Sequence[str],
        settings: Any,
    ) -> None:
        """Prepare the record; nothing is written before the run is entered.

        Args:
            path: The JSON file to write.
            command: Name of the command, for example `segment`.
            arguments: The command line as it was given.
            settings: All settings, defaults included: a dataclass or a mapping.
        """
        self.path = path
        self._scans: dict[str, dict[str, Any]] = {}
        self._record: dict[str, Any] = {
            "command": command,
            "command_line": list(arguments),
            "settings": as_json(settings),
            **describe_software(),
        }

    def __enter__(self) -> Self:
        """Write the manifest with the status `running`."""
        self._record |= {"start": _now(), "end": None, "status": "running", "error": None}
        self._write()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write how the run ended; the exception, if there is one, goes on."""
        message = None if error is None else f"{type(error).__name__}: {error}"
        self._record |= {"end": _now(), "status": self._status(error), "error": message}
        self._write()

    @property
    def failed(self) -> list[str]:
        """Return the names of the scans that failed, in order."""
        return self.names("failed")

    def names(self, status: ScanStatus) -> list[str]:
        """Return the names of the scans with a status, in order."""
        return [name for name, scan in self._scans.items() if scan["status"] == status]

    def message(self, name: str) -> str:
        """Return what was noted of a scan."""
        return str(self._scans[name]["message"])

    def note_scan(
        self, name: str, status: ScanStatus, *, message: str = "", **details: Any
    ) -> None:
        """Record what became of one scan, and write the manifest.

        Args:
            name: The scan's name, for example the stem of its BIDS name.
            status: See `ScanStatus`.
            message: Why it failed, or what the user should know.
            details: Anything else that JSON can hold, for example seconds or quality figures.
        """
        self._scans[name] = {"status": status, "message": message, **as_json(details)}
        self._write()

    def _status(self, error: BaseException | None) -> str:
        if error is None:
            return "incomplete" if self.failed else "done"
        return "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"

    def _write(self) -> None:
        write_text_whole(self.path, json_text({**self._record, "scans": self._scans}))


def describe_software() -> dict[str, Any]:
    """Return the versions of the tool, of Python and of the packages that make the numbers."""
    return {
        "lesionless": _version("lesionless"),
        "git_commit": git_commit(Path(__file__).resolve().parents[2]),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def git_commit(checkout: Path) -> str | None:
    """Return the commit of a source checkout, `+changes` appended if files differ from it.

    Args:
        checkout: The folder that would hold `.git`. An installed package has none there, and
            an unrelated repository further up does not count.
    """
    if not (checkout / ".git").exists():
        return None
    try:
        commit, changes = (
            _git(checkout, *arguments)
            for arguments in (
                ("rev-parse", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no"),
            )
        )
    except (OSError, subprocess.CalledProcessError):  # no git, or no commit yet
        return None
    return f"{commit}+changes" if changes else commit


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield where to write a file, of the same name, that appears under `path` only when whole.

    An error, or a run that is stopped, leaves what was there before.

    >>> path = Path(tempfile.mkdtemp()) / "sub" / "table.tsv"
    >>> with whole(path) as partial:
    ...     _ = partial.write_text("all of it")
    >>> path.read_text(), [each.name for each in path.parent.iterdir()]
    ('all of it', ['table.tsv'])
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".partial-") as folder:
        partial = Path(folder) / path.name
        yield partial
        partial.replace(path)


def write_text_whole(path: Path, text: str) -> None:
    """Write a text file that appears under its name only when it is whole.

    Bytes of a file name that are no UTF-8 are written as escapes, which JSON reads as they were.
    """
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def json_text(content: Any) -> str:
    """Return content as indented JSON, made of `as_json`."""
    return json.dumps(as_json(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_json(value: Any) -> Any:
    """Return a value in terms of JSON: dataclasses, paths and arrays become what JSON can hold.

    Numbers that are not finite become null, since JSON has no word for them.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(as_json(item) for item in value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.strip()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
