"""A shipped model as an ONNX file, by the command line."""

import json
from pathlib import Path

import onnxruntime
import pytest

from lesionless.cli import run
from lesionless.models import bundle
from lesionless.runtime.onnx import ABOUT


def test_a_shipped_model_is_written_once_with_what_it_says_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["export", "intensity"]) == 0
    path = tmp_path / "intensity.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    about = json.loads(session.get_modelmeta().custom_metadata_map[ABOUT])
    assert about == json.loads((bundle.SHIPPED / "intensity" / bundle.DESCRIPTION).read_text())
    assert session.get_inputs()[0].shape[1:] == [1, 256, 256]
    written = path.stat().st_mtime_ns
    assert run(["export", "intensity"]) == 2
    assert path.stat().st_mtime_ns == written
    assert run(["export", "intensity", "--overwrite"]) == 0
    assert path.stat().st_mtime_ns > written


def test_a_missing_model_ends_with_an_error(tmp_path: Path) -> None:
    assert run(["export", str(tmp_path / "missing"), str(tmp_path / "out.onnx")]) != 0
    assert run(["export", "intensity", str(tmp_path), "--overwrite"]) == 2
    assert not list(tmp_path.iterdir())
