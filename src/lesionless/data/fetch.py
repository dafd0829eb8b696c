"""Files from elsewhere: downloaded or taken from a folder, accepted only with the right hash."""

import hashlib
import shutil
from pathlib import Path

from lesionless.data.manifest import Manifest, read_manifest
from lesionless.errors import UsageError
from lesionless.provenance import whole


def cache_folder() -> Path:
    """Return the user's folder for fetched files."""
    import pooch

    return Path(pooch.os_cache("lesionless"))


def fetch(name: str, *, source: Path | None = None, cache: Path | None = None) -> Path:
    """Bring a data set into the cache; files that are there and right are kept.

    Args:
        name: Name of a manifest.
        source: Folder that holds the files already; downloaded if not given.
        cache: Where fetched files lie; the user's cache by default.

    Returns:
        The folder with the files.

    Raises:
        UsageError: A file cannot be had, or is not the one that the manifest names.
    """
    manifest = read_manifest(name)
    folder = (cache or cache_folder()) / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, wanted in manifest.sha256.items():
        if not _is_right(folder / file, wanted):
            _bring(manifest, file, folder, source)
            _check(folder / file, wanted)
    return folder


def fetched(name: str, *, cache: Path | None = None) -> Path:
    """Return the folder of a data set that was fetched before.

    Raises:
        UsageError: A file of it is missing or damaged.
    """
    folder = (cache or cache_folder()) / name
    for file, wanted in read_manifest(name).sha256.items():
        if not _is_right(folder / file, wanted):
            raise UsageError(
                f"{folder / file}: expected the fetched file, found none or another. "
                f"Run `lesionless fetch {name}`."
            )
    return folder


def _bring(manifest: Manifest, file: str, folder: Path, source: Path | None) -> None:
    try:
        with whole(folder / file) as partial:
            if source is not None:
                shutil.copyfile(source / file, partial)
            else:
                import pooch

                pooch.HTTPDownloader()(manifest.address + file, str(partial), None)
    except Exception as error:  # the network's and the disk's errors are of many kinds
        raise UsageError(
            f"{file} of {manifest.name}: expected to get it from "
            f"{source or manifest.address}, found {type(error).__name__}: {error}. Download it "
            "by hand and give its folder with --source."
        ) from error


def _check(path: Path, wanted: str) -> None:
    if not _is_right(path, wanted):
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        path.unlink()
        raise UsageError(
            f"{path.name}: expected sha256 {wanted}, found {found}. The file was changed or the "
            "download broke; it was removed. Fetch it again."
        )


def _is_right(path: Path, wanted: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == wanted
