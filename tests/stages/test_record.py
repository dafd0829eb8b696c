"""A finished model is taken only if it is the one that is asked for; a stopped run likewise."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from lesionless import store
from lesionless.errors import TrainingError, UsageError
from lesionless.experiment import Experiment, MethodRow
from lesionless.models import bundle as bundles
from lesionless.stages.benchmark import Stores, runs_of, train_run
from lesionless.stages.normals import digest
from lesionless.stages.request import TrainRequest
from lesionless.stages.train import train_model
from lesionless.training.checkpoint import NAME as CHECKPOINT
from lesionless.training.loop import TrainSettings
from lesionless.training.normals import NormalsSettings

NARROW = {"widths": (4, 8, 8, 16), "latent": 6}
REQUEST = TrainRequest(model="sAE3", training=TrainSettings(epochs=1), settings=NARROW)


class StoppedError(Exception):
    pass


def never(epoch: object) -> None:
    raise AssertionError("Nothing should have been trained.")


def stop(epoch: object) -> None:
    raise StoppedError


@pytest.fixture(scope="module")
def finished(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    train_model(prepared, folder, REQUEST)
    return folder


@pytest.fixture
def twin(prepared: Path, tmp_path: Path) -> Path:
    """The same names and slices, other pixels in one scan."""
    folder = tmp_path / "twin"
    shutil.copytree(prepared, folder)
    scan = store.load(store.paths(folder)[0])
    store.save(folder, replace(scan, image=scan.image * 0.9))
    return folder


def changed(**changes: Any) -> TrainRequest:
    return replace(REQUEST, **changes)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (changed(training=TrainSettings(epochs=3)), r"training.epochs = 3, found one with 1\."),
        (changed(training=TrainSettings(epochs=1, seed=7)), "training.seed = 7"),
        (changed(training=TrainSettings(epochs=1, batch_size=2)), "training.batch_size = 2"),
        (changed(training=TrainSettings(epochs=1, decay="cosine")), "training.decay = cosine"),
        (changed(normals=NormalsSettings(levels="mid")), "normals.levels = mid"),
        (changed(scoring={"filter_size": 3}), "scoring.filter_size = 3, found one with 5"),
        (changed(settings=NARROW | {"latent": 8}), "settings.latent = 8, found one with 6"),
        (changed(operating_point="p98"), "operating_point = p98, found one with fpr-1e-3"),
        (changed(calibration_slices=5), "calibration_slices = 5, found one with None"),
        (replace(REQUEST, model="sVAE"), "model = sVAE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_model_is_refused_and_what_differs_is_named(
    request_: TrainRequest, named: str, prepared: Path, finished: Path
) -> None:
    with pytest.raises(UsageError, match=named) as raised:
        train_model(prepared, finished, request_, on_epoch=never)
    assert "Choose another folder" in str(raised.value) and "--overwrite" in str(raised.value)


def test_what_only_changes_the_pace_does_not_count(prepared: Path, finished: Path) -> None:
    how = replace(REQUEST.training, precision="fp32", device="cpu:0")
    again = train_model(prepared, finished, changed(training=how), on_epoch=never)
    assert again.training["epochs"] == 1


def test_a_model_of_other_scans_is_refused(prepared: Path, finished: Path, twin: Path) -> None:
    with pytest.raises(UsageError, match="scans_sha256 = "):
        train_model(twin, finished, REQUEST, on_epoch=never)
    with pytest.raises(UsageError, match=r"also = \["):
        train_model(prepared, finished, REQUEST, also=[twin], on_epoch=never)


def test_a_model_of_scans_that_were_prepared_otherwise_is_refused(
    prepared: Path, finished: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(prepared, other)
    how = json.loads((other / "prepare.json").read_text(encoding="utf-8"))
    (other / "prepare.json").write_text(json.dumps({**how, "n4": True}), encoding="utf-8")
    with pytest.raises(UsageError, match=r"prepare.n4 = True, found one with False"):
        train_model(other, finished, REQUEST, on_epoch=never)


def test_a_store_that_was_moved_or_prepared_again_alike_is_the_same(
    prepared: Path, finished: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(prepared, moved)
    scan = store.load(store.paths(moved)[0])
    store.save(moved, replace(scan, record={**scan.record, "seconds": {"strip": 9.9}}))
    assert digest(moved) == digest(prepared)
    assert train_model(moved, finished, REQUEST, on_epoch=never).name == "sAE3"


def test_how_a_further_store_is_called_does_not_matter(
    prepared: Path, twin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = TrainRequest(model="intensity")
    first = train_model(prepared, tmp_path / "model", request, also=[twin])
    monkeypatch.chdir(twin.parent)
    again = train_model(prepared, tmp_path / "model", request, also=[Path(twin.name)])
    assert again.training == first.training


def test_who_trains_is_part_of_a_store(prepared: Path, twin: Path) -> None:
    assert digest(twin) != digest(prepared)
    same = twin.parent / "same"
    shutil.copytree(prepared, same)
    rows = [f"{path.parent.name}\ttrain" for path in store.paths(same)]
    table = "\n".join(["participant_id\tsplit", *rows]) + "\n"
    (same / "participants.tsv").write_text(table, encoding="utf-8")
    assert digest(same) != digest(prepared)


def test_a_model_of_an_earlier_version_is_compared_in_what_it_says(
    prepared: Path, finished: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(finished, old)
    text = json.loads((old / bundles.DESCRIPTION).read_text(encoding="utf-8"))
    for name in ("also", "patients", "scans_sha256", "n_patient_slices"):
        del text["training"][name]
    for name in ("start", "calibration_slices"):
        del text["training"]["request"][name]
    del text["training"]["request"]["training"]["rate"]
    (old / bundles.DESCRIPTION).write_text(json.dumps(text), encoding="utf-8")
    assert train_model(prepared, old, REQUEST, on_epoch=never).name == "sAE3"
    with pytest.raises(UsageError, match=r"training.seed = 7"):
        train_model(prepared, old, changed(training=TrainSettings(epochs=1, seed=7)))
    with pytest.raises(UsageError, match="patients = "):
        train_model(prepared, old, REQUEST, patients=prepared)


def test_how_networks_are_trained_says_nothing_of_a_method_without_one(
    prepared: Path, tmp_path: Path
) -> None:
    for epochs in (1, 2):
        request = TrainRequest(model="intensity", training=TrainSettings(epochs=epochs))
        assert train_model(prepared, tmp_path, request).name == "intensity"


def test_a_benchmark_whose_file_was_edited_does_not_pass_off_the_old_models(
    prepared: Path, tmp_path: Path
) -> None:
    plan = Experiment(title="x", methods=(MethodRow(name="intensity"),))
    stores = Stores(prepared, prepared)
    (run,) = runs_of(plan, tmp_path)
    train_run(plan, stores, run)
    train_run(plan, stores, run)
    edited = plan.model_copy(update={"normals": {"levels": "mid"}})
    with pytest.raises(UsageError, match=r"normals.levels = mid, found one with all"):
        train_run(edited, stores, run)


@pytest.fixture
def stopped(prepared: Path, tmp_path: Path) -> Path:
    """The folder of a run that was stopped after one of two epochs."""
    with pytest.raises(StoppedError):
        train_model(prepared, tmp_path / "stopped", two_epochs(), on_epoch=stop)
    return tmp_path / "stopped"


def two_epochs(**changes: Any) -> TrainRequest:
    return changed(training=TrainSettings(epochs=2, **changes))


def test_a_stopped_run_does_not_go_on_with_other_scans(
    prepared: Path, stopped: Path, twin: Path
) -> None:
    with pytest.raises(TrainingError, match="scans_sha256 = "):
        train_model(twin, stopped, two_epochs(), on_epoch=never)
    other = replace(two_epochs(), normals=NormalsSettings(seed=1))
    with pytest.raises(TrainingError, match=r"normals.seed = 1, found one with 0"):
        train_model(prepared, stopped, other, on_epoch=never)
    assert train_model(prepared, stopped, two_epochs()).training["epochs"] == 2


def test_a_stopped_run_of_an_earlier_version_goes_on(prepared: Path, stopped: Path) -> None:
    state = torch.load(stopped / CHECKPOINT, weights_only=True)
    for name in ("normals", "also", "scans_sha256"):
        del state["settings"][name]
    torch.save(state, stopped / CHECKPOINT)
    assert train_model(prepared, stopped, two_epochs()).training["epochs"] == 2


def test_a_store_without_held_out_normals_is_refused_before_anything_is_trained(
    prepared: Path, tmp_path: Path
) -> None:
    nobody = changed(normals=NormalsSettings(val_fraction=0.0))
    with pytest.raises(UsageError, match=r"thresholds, found none; held back: nobody.*--val-frac"):
        train_model(_without_table(prepared, tmp_path), tmp_path / "model", nobody, on_epoch=never)
    assert not (tmp_path / "model").exists()


def _without_table(prepared: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    shutil.copytree(prepared, folder)
    (folder / "participants.tsv").unlink(missing_ok=True)
    return folder
