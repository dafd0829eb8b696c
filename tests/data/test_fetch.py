import hashlib
import os
from pathlib import Path

import pytest

from lesionless.data import fetch as fetching
from lesionless.data.fetch import fetch, fetched
from lesionless.data.manifest import Manifest, manifests, read_manifest
from lesionless.errors import UsageError


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the one file of an invented data set."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("right")
    listed = Manifest(
        "tiny", "", "", "", "atlas", "file://", {"a.txt": hashlib.sha256(b"right").hexdigest()}
    )
    monkeypatch.setattr(fetching, "read_manifest", lambda name: listed)
    return source


@pytest.mark.parametrize("name", manifests())
def test_manifests_are_complete(name: str) -> None:
    manifest = read_manifest(name)
    assert manifest.name == name and manifest.address.startswith("https://")
    assert (
        manifest.licence and manifest.citation and manifest.role in ("atlas", "healthy", "lesion")
    )
    assert all(len(digest) == 64 for digest in manifest.sha256.values())


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="sri24"):
        read_manifest("sri25")


def test_right_files_are_taken_and_found_again(tiny: Path, tmp_path: Path) -> None:
    folder = fetch("tiny", source=tiny, cache=tmp_path / "cache")
    assert (folder / "a.txt").read_text() == "right"
    assert fetched("tiny", cache=tmp_path / "cache") == folder


def test_wrong_files_are_refused_and_leave_nothing(tiny: Path, tmp_path: Path) -> None:
    (tiny / "a.txt").write_text("wrong")
    with pytest.raises(UsageError, match="expected sha256"):
        fetch("tiny", source=tiny, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.txt"))


def test_missing_files_say_what_to_do(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--source"):
        fetch("tiny", source=tmp_path, cache=tmp_path / "cache")
    with pytest.raises(UsageError, match="lesionless fetch tiny"):
        fetched("tiny", cache=tmp_path / "cache")


@pytest.mark.real
@pytest.mark.skipif("LESIONLESS_DATA" not in os.environ, reason="LESIONLESS_DATA is not set")
def test_the_real_atlas_has_the_listed_hashes(tmp_path: Path) -> None:
    source = Path(os.environ["LESIONLESS_DATA"]) / "atlas-sri24"
    assert (fetch("sri24", source=source, cache=tmp_path) / "spgr.nii.gz").exists()
