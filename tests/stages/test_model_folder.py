"""What happens to a folder that a model is written to."""

from pathlib import Path

import pytest

from lesionless import store
from lesionless.errors import TrainingError, UsageError
from lesionless.models import bundle as bundles
from lesionless.stages.model_folder import clear
from lesionless.stages.recalibrate import recalibrate
from lesionless.stages.request import TrainRequest
from lesionless.stages.train import train_model
from lesionless.training.loop import TrainSettings
from lesionless.training.normals import NormalsSettings

REQUEST = TrainRequest(model="sAE3", training=TrainSettings(epochs=1))


def test_files_of_others_stay(prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "notes").mkdir(parents=True)
    (out / "notes" / "thesis.txt").write_text("mine")
    (out / "list.csv").write_text("mine")
    train_model(prepared, tmp_path / "first", TrainRequest(model="intensity"))
    for overwrite in (False, True):
        models = [tmp_path / "first"]
        recalibrate(models, prepared, out, NormalsSettings(), overwrite=overwrite)
    train_model(prepared, out, REQUEST, overwrite=True)
    assert (out / "notes" / "thesis.txt").read_text() == (out / "list.csv").read_text() == "mine"
    assert bundles.load(out).name == "sAE3"


def test_a_stopped_training_of_another_kind_is_thrown_away(prepared: Path, tmp_path: Path) -> None:
    train_model(prepared, tmp_path, REQUEST)
    (tmp_path / bundles.DESCRIPTION).unlink()  # as if stopped before the end
    other = TrainRequest(model="sAE1", training=TrainSettings(epochs=1))
    with pytest.raises(TrainingError, match="--overwrite"):
        train_model(prepared, tmp_path, other)
    assert train_model(prepared, tmp_path, other, overwrite=True).name == "sAE1"


def test_clearing_leaves_nothing_of_a_model(prepared: Path, tmp_path: Path) -> None:
    settings = {"search_steps": 1}
    once = TrainSettings(epochs=1)
    draws = TrainRequest(model="AnoGAN", training=once, settings=settings, calibration_slices=2)
    train_model(prepared, tmp_path / "model", draws)
    assert list((tmp_path / "model").glob("samples-*"))
    assert len(list((tmp_path / "model").iterdir())) >= 5
    (tmp_path / "model" / ".partial-killed").mkdir()
    clear(tmp_path / "model")
    assert not list((tmp_path / "model").iterdir())


def test_a_refused_request_leaves_the_model_that_is_there(prepared: Path, tmp_path: Path) -> None:
    train_model(prepared, tmp_path, TrainRequest(model="intensity"))
    with pytest.raises(UsageError, match="Give --start"):
        train_model(prepared, tmp_path, REQUEST, patients=prepared, overwrite=True)
    assert bundles.load(tmp_path).name == "intensity"


def test_a_store_is_no_folder_for_a_model(prepared: Path) -> None:
    before = store.paths(prepared)
    with pytest.raises(UsageError, match="found prepared scans"):
        train_model(prepared, prepared, TrainRequest(model="intensity"), overwrite=True)
    with pytest.raises(UsageError, match="found prepared scans"):
        recalibrate(["intensity"], prepared, prepared, NormalsSettings(), overwrite=True)
    assert store.paths(prepared) == before
