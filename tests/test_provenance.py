"""The manifest tells the truth about a run at every moment, and files are whole or absent."""

import json
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lesionless
from lesionless.provenance import RunManifest, as_json, git_commit, json_text, write_text_whole


@dataclass(frozen=True)
class Settings:
    """Stand for the settings of a command."""

    strip: str = "none"
    atlas: Path = Path("atlas.nii")
    sizes: tuple[int, ...] = (5, 5)


def manifest(folder: Path) -> RunManifest:
    arguments = ["lesionless", "segment", "a b.nii", "out"]
    return RunManifest(
        folder / "out" / "run.json",
        command="segment",
        arguments=arguments,
        settings=Settings(),
    )


def record(run: RunManifest) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run.path.read_text())
    return content


def test_the_manifest_stands_from_the_start_and_says_all(tmp_path: Path) -> None:
    with manifest(tmp_path) as run:
        now = record(run)
    assert (now["status"], now["end"], now["scans"]) == ("running", None, {})
    assert now["command_line"] == ["lesionless", "segment", "a b.nii", "out"]
    assert now["settings"] == {"strip": "none", "atlas": "atlas.nii", "sizes": [5, 5]}
    assert now["lesionless"] == lesionless.__version__
    assert now["packages"]["numpy"] == np.__version__
    assert now["packages"]["torch"]
    assert now["python"].startswith("3.")


def test_each_scan_is_on_disk_as_soon_as_it_is_noted(tmp_path: Path) -> None:
    with manifest(tmp_path) as run:
        run.note_scan("sub-1_FLAIR", "done", seconds=np.float32(0.5))
        assert record(run)["scans"] == {
            "sub-1_FLAIR": {"status": "done", "message": "", "seconds": 0.5}
        }
        run.note_scan("sub-2_FLAIR", "failed", message="4-D")
        run.note_scan("sub-3_FLAIR", "present")
        assert record(run)["status"] == "running"
    assert run.failed == ["sub-2_FLAIR"]
    end = record(run)
    assert end["status"] == "incomplete"
    assert list(end["scans"]) == ["sub-1_FLAIR", "sub-2_FLAIR", "sub-3_FLAIR"]
    assert datetime.fromisoformat(end["start"]) <= datetime.fromisoformat(end["end"])


def test_a_scan_that_failed_and_then_worked_is_done(tmp_path: Path) -> None:
    with manifest(tmp_path) as run:
        run.note_scan("sub-1_FLAIR", "failed")
        run.note_scan("sub-1_FLAIR", "done")
    assert record(run)["status"] == "done"


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("no memory"), "failed"), (KeyboardInterrupt(), "interrupted")]
)
def test_an_exception_is_recorded_and_goes_on(
    tmp_path: Path, error: BaseException, status: str
) -> None:
    run = manifest(tmp_path)
    with pytest.raises(type(error)), run:
        raise error
    assert record(run)["status"] == status
    assert record(run)["error"].startswith(type(error).__name__)
    assert record(run)["end"] is not None


def test_the_same_object_can_be_recorded_in_json() -> None:
    value = {1: {3, 2}, "nan": float("inf"), "array": np.eye(2, dtype=int), "none": None}
    assert as_json(value) == {"1": [2, 3], "nan": None, "array": [[1, 0], [0, 1]], "none": None}
    assert json_text(Path("ü")) == '"ü"\n'


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.strip()


def test_the_commit_of_a_checkout_is_known_and_changes_are_told(tmp_path: Path) -> None:
    git(tmp_path, "init")
    assert git_commit(tmp_path) is None
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "First")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert git_commit(tmp_path) == commit
    (tmp_path / "a").write_text("2")
    assert git_commit(tmp_path) == f"{commit}+changes"


def test_a_folder_inside_another_repository_has_no_commit_of_its_own(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "site-packages").mkdir()
    assert git_commit(tmp_path / "site-packages") is None


def test_a_text_file_is_replaced_whole_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    write_text_whole(path, "one\n")
    write_text_whole(path, "two\nµ\n")
    assert path.read_bytes() == "two\nµ\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.txt"
    write_text_whole(path, "one")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_text_whole(path, "two")
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_can_be_read_by_whom_the_system_lets(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_text_whole(tmp_path / "whole", "")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode
