"""Thresholds from other normals, and several models as one."""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lesionless import store
from lesionless.errors import UsageError
from lesionless.models import bundle as bundles
from lesionless.preprocess.prepared import PreparedScan
from lesionless.runtime.engine import reconstruct
from lesionless.stages.calibrate import calibrate
from lesionless.stages.normals import Normals, split_of
from lesionless.stages.progress import T
from lesionless.stages.rebuild import rebuilder
from lesionless.stages.recalibrate import recalibrate
from lesionless.stages.request import TrainRequest
from lesionless.stages.train import train_model
from lesionless.training.loop import TrainSettings
from lesionless.training.normals import NormalsSettings

from .conftest import restated

ONCE = TrainSettings(epochs=1)


@pytest.fixture(scope="module")
def networks(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("networks")
    for seed in (0, 1):
        request = TrainRequest(model="sAE3", training=TrainSettings(epochs=1, seed=seed))
        train_model(prepared, folder / str(seed), request)
    return [folder / "0", folder / "1"]


def test_on_the_same_normals_a_model_stays_what_it_is(
    networks: list[Path], prepared: Path, tmp_path: Path
) -> None:
    before = bundles.load(networks[0])
    after = recalibrate(networks[:1], prepared, tmp_path / "model", NormalsSettings())
    assert after.thresholds == before.thresholds
    assert bundles.load(tmp_path / "model").settings == before.settings


def test_thresholds_follow_the_normals(
    networks: list[Path], prepared: Path, tmp_path: Path
) -> None:
    other = NormalsSettings(seed=1, val_fraction=0.5, levels="mid")
    after = recalibrate(networks[:1], prepared, tmp_path, other, operating_point="p98")
    assert after.thresholds != bundles.load(networks[0]).thresholds
    assert after.operating_point == "p98"
    assert after.training["calibration"]["normals"]["levels"] == "mid"


def test_few_slices_of_either_part_set_thresholds(
    networks: list[Path], prepared: Path, tmp_path: Path
) -> None:
    few = recalibrate(networks[:1], prepared, tmp_path / "few", NormalsSettings(), max_slices=3)
    assert few.thresholds != bundles.load(networks[0]).thresholds
    with pytest.raises(UsageError, match="at least one slice"):
        recalibrate(networks[:1], prepared, tmp_path / "none", NormalsSettings(), max_slices=0)


def test_two_models_become_their_mean(networks: list[Path], prepared: Path, tmp_path: Path) -> None:
    recalibrate(networks, prepared, tmp_path, NormalsSettings())
    joined = bundles.load(tmp_path)
    image = store.load(store.paths(prepared)[0]).image
    one, two = (reconstruct(bundles.load(folder).method, image) for folder in networks)
    both = reconstruct(joined.method, image)
    np.testing.assert_allclose(both, (one + two) / 2, atol=1e-6)
    assert np.abs(one - two).max() > 1e-3
    assert joined.name == "sAE3"
    assert [m["request"]["training"]["seed"] for m in joined.training["members"]] == [0, 1]
    assert joined.thresholds["fpr-1e-2"] < joined.thresholds["fpr-1e-3"] < np.inf


def test_a_model_in_the_folder_is_kept(
    networks: list[Path], prepared: Path, tmp_path: Path
) -> None:
    recalibrate(networks[:1], prepared, tmp_path, NormalsSettings())
    with pytest.raises(UsageError, match="--overwrite"):
        recalibrate(networks, prepared, tmp_path, NormalsSettings())
    recalibrate(networks, prepared, tmp_path, NormalsSettings(), overwrite=True)
    assert len(bundles.load(tmp_path).training["members"]) == 2


def test_what_does_not_go_together_is_refused(
    networks: list[Path], prepared: Path, tmp_path: Path
) -> None:
    train_model(prepared, tmp_path / "intensity", TrainRequest(model="intensity"))
    with pytest.raises(UsageError, match="scoring"):
        models = [networks[0], tmp_path / "intensity"]
        recalibrate(models, prepared, tmp_path / "out", NormalsSettings())
    other = tmp_path / "other"
    shutil.copytree(prepared, other)
    how = json.loads((other / "prepare.json").read_text(encoding="utf-8"))
    (other / "prepare.json").write_text(json.dumps({**how, "matrix": 128}), encoding="utf-8")
    with pytest.raises(UsageError, match="--matrix 64"):
        recalibrate(networks[:1], other, tmp_path / "out", NormalsSettings())
    (other / "participants.tsv").unlink()
    (other / "prepare.json").write_text(json.dumps(how), encoding="utf-8")
    with pytest.raises(UsageError, match="held back: nobody"):
        recalibrate(networks[:1], other, tmp_path / "out", NormalsSettings(val_fraction=0.0))
    with pytest.raises(UsageError, match="operating point out of"):
        recalibrate(networks, prepared, tmp_path / "out", NormalsSettings(), operating_point="p9")
    assert not (tmp_path / "out").exists()


def test_progress_is_told_of_every_scan(
    networks: list[Path], prepared: Path, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []

    def track(items: Iterable[T], *, label: str, total: int) -> Iterator[T]:
        shown = list(items)
        told.append((label, len(shown), total))
        yield from shown

    recalibrate(networks[:1], prepared, tmp_path / "out", NormalsSettings(), track=track)
    parts = split_of(prepared, NormalsSettings())
    learnt, held_out = len(parts.train), len(parts.val)  # a scan each
    assert told == [("calibrate", learnt, learnt), ("thresholds", held_out, held_out)]


def test_slices_that_are_left_out_have_no_say_in_thresholds(
    networks: list[Path], prepared: Path
) -> None:
    """A perfect reconstruction leaves nothing over, however far a score leans on neighbours."""
    bundle = bundles.load(networks[0])
    leaning = replace(bundle, scoring={**bundle.scoring, "reach_mm": 20.0})
    normals = Normals(prepared, "train", NormalsSettings())
    ready = calibrate(leaning, normals, normals, rebuild=_perfect, max_slices=5)
    assert ready.normative["centre"] == 0
    assert ready.thresholds["fpr-1e-4"] == 0


def _perfect(scan: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> np.ndarray:
    return scan.image * wanted[:, np.newaxis, np.newaxis]


def test_another_preparation_is_named(
    networks: list[Path], prepared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The new model is used as the scans of its thresholds were prepared."""
    recalibrate(networks[:1], prepared, tmp_path / "alike", NormalsSettings())
    assert "prepared with" not in caplog.text
    other = restated(prepared, tmp_path / "other", n4=True)
    bundle = recalibrate(networks[:1], other, tmp_path / "out", NormalsSettings())
    assert bundle.prepare["n4"]
    assert "n4 = True" in caplog.text
    caplog.clear()
    train_model(other, tmp_path / "on", TrainRequest(start=str(networks[0]), training=ONCE))
    assert "n4 = True" in caplog.text


def test_a_scan_without_a_scored_pixel_is_left_out_and_named(
    networks: list[Path], prepared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = bundles.load(networks[0])
    rim = replace(bundle, scoring={**bundle.scoring, "erosion_pixels": 2})
    train, val = (list(Normals(prepared, part, NormalsSettings())) for part in ("train", "val"))
    thin = val[0].scan.brain & False
    thin[:, 30:33, :] = val[0].scan.brain[:, 30:33, :]
    alone = calibrate(rim, train, val, rebuild=rebuilder(bundle.method))
    cap = replace(val[0], scan=replace(val[0].scan, name="cap", brain=thin))
    both = calibrate(rim, train, [cap, *val], rebuild=rebuilder(bundle.method))
    assert both.thresholds == alone.thresholds
    assert "cap is left out" in caplog.text
