"""A trained model is trained on, and learns from what it finds in patients."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lesionless import store
from lesionless.errors import LesionlessError, UsageError
from lesionless.models import bundle as bundles
from lesionless.models.bundle import Bundle
from lesionless.stages.apply import apply
from lesionless.stages.findings import find
from lesionless.stages.rebuild import rebuilder
from lesionless.stages.recalibrate import recalibrate
from lesionless.stages.request import TrainRequest
from lesionless.stages.train import train_model
from lesionless.training.loop import Epoch, TrainSettings

ONCE = TrainSettings(epochs=1, beta1=0.9)


@pytest.fixture(scope="module")
def began(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A restoration network after one epoch, whose masks are cut generously."""
    folder = tmp_path_factory.mktemp("began")
    request = TrainRequest(
        model="restoration",
        training=ONCE,
        settings={"widths": (8, 12)},
        operating_point="fpr-3e-3",
    )
    train_model(prepared, folder, request)
    return folder


def weights(bundle: Bundle) -> np.ndarray:
    return np.concatenate([w.detach().numpy().ravel() for w in bundle.method.parameters()])


def test_findings_are_the_model_s_masks(began: Path, prepared: Path) -> None:
    bundle = bundles.load(began)
    findings = find(prepared, bundle)
    first = next(store.scans(prepared))
    made, kept = apply(bundle, first, rebuilder(bundle.method)), first.brain.any(axis=(1, 2))
    mine = slice(0, int(kept.sum()))
    lesion = (made.score > bundle.thresholds["fpr-3e-3"])[kept]
    likely = (made.score > bundle.thresholds["fpr-1e-2"])[kept]
    np.testing.assert_array_equal(findings.lesion[mine], lesion)
    np.testing.assert_array_equal(findings.unsure[mine], likely & ~lesion)
    image, clean = (part[mine].astype(np.float32) for part in (findings.image, findings.clean))
    np.testing.assert_allclose(image, first.image[kept], atol=1e-3)
    np.testing.assert_array_equal(clean[~lesion], image[~lesion])
    np.testing.assert_allclose(clean[lesion], made.reconstruction[kept][lesion], atol=1e-3)


def test_reference_lesions_of_patients_play_no_part(
    began: Path, prepared: Path, tmp_path: Path
) -> None:
    shutil.copy(prepared / "prepare.json", tmp_path)
    for scan in store.scans(prepared):
        store.save(tmp_path, replace(scan, lesion=None))
    bundle = bundles.load(began)
    known, unknown = find(prepared, bundle), find(tmp_path, bundle)
    np.testing.assert_array_equal(known.lesion, unknown.lesion)


def test_scans_in_which_nothing_is_found_are_refused(began: Path, prepared: Path) -> None:
    bundle = bundles.load(began)
    for threshold, words in ((1e9, "finds lesions, found none"), (np.inf, "finite")):
        blind = replace(bundle, thresholds=dict.fromkeys(bundle.thresholds, threshold))
        with pytest.raises(UsageError, match=words):
            find(prepared, blind)


def test_nothing_is_found_outside_the_brain(began: Path, prepared: Path) -> None:
    """Where the score is 0, which is above some thresholds."""
    bundle = bundles.load(began)
    low = replace(bundle, thresholds=dict.fromkeys(bundle.thresholds, -0.01))
    findings = find(prepared, low)
    assert not (findings.lesion | findings.unsure)[findings.image == 0].any()


def test_a_model_is_trained_on_with_what_it_finds(
    began: Path, prepared: Path, tmp_path: Path
) -> None:
    """It keeps its name and score, its weights move a little, its thresholds are set anew."""
    before = bundles.load(began)
    request = TrainRequest(start=str(began), training=replace(ONCE, rate=0.1))
    alone = train_model(prepared, tmp_path / "alone", request)
    taught = train_model(prepared, tmp_path / "taught", request, patients=prepared)
    for after in (alone, taught):
        assert (after.name, after.scoring, after.operating_point) == (
            *(before.name, before.scoring, before.operating_point),
        )
        assert 0 < np.abs(weights(after) - weights(before)).max() < 0.03
        assert after.thresholds != before.thresholds
    assert not np.array_equal(weights(alone), weights(taught))
    assert taught.method.findings is None
    record = json.loads((tmp_path / "taught" / bundles.DESCRIPTION).read_text())["training"]
    assert record["n_patient_slices"] == len(find(prepared, before).image)
    assert record["start"]["n_slices"] == before.training["n_slices"]


def test_every_network_of_several_learns_from_patients(
    began: Path, prepared: Path, tmp_path: Path
) -> None:
    request = TrainRequest(start=str(tmp_path / "joined"), training=ONCE)
    recalibrate([began, began], prepared, tmp_path / "joined", request.normals)
    after = train_model(prepared, tmp_path / "after", request, patients=prepared)
    one, two = (
        np.concatenate([w.detach().numpy().ravel() for w in member.parameters()])
        for member in after.method.members
    )
    assert not np.array_equal(one, two)
    assert "1.restoration.overlap" in after.training["last_losses"]


def test_a_stopped_run_ends_where_one_in_one_go_ends(
    began: Path, prepared: Path, tmp_path: Path
) -> None:
    def stop(epoch: Epoch) -> None:
        raise KeyboardInterrupt

    request = TrainRequest(start=str(began), training=replace(ONCE, epochs=2))
    whole = train_model(prepared, tmp_path / "whole", request, patients=prepared)
    with pytest.raises(KeyboardInterrupt):
        train_model(prepared, tmp_path / "parts", request, patients=prepared, on_epoch=stop)
    parts = train_model(prepared, tmp_path / "parts", request, patients=prepared)
    np.testing.assert_array_equal(weights(parts), weights(whole))


def test_another_run_s_model_is_neither_taken_nor_thrown_away(
    began: Path, prepared: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    shutil.copytree(began, own)
    request = TrainRequest(start=str(began), training=ONCE)
    with pytest.raises(UsageError, match="--overwrite"):
        train_model(prepared, own, request, patients=prepared)
    for wrong in (replace(request, start=str(own)), replace(request, start="missing")):
        with pytest.raises(LesionlessError):
            train_model(prepared, own, wrong, overwrite=True)
    assert bundles.is_complete(own)


def test_a_folder_may_have_the_name_of_the_shipped_model_that_is_started_from(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused for its pixels, not for its name."""
    monkeypatch.chdir(tmp_path)
    request = TrainRequest(start="restoration", training=ONCE)
    with pytest.raises(UsageError, match="--matrix 256"):
        train_model(prepared, Path("restoration"), request)


def test_another_operating_point_teaches_nothing_else(
    began: Path, prepared: Path, tmp_path: Path
) -> None:
    request = TrainRequest(start=str(began), training=ONCE)
    wider = replace(request, operating_point="fpr-1e-2")
    one = train_model(prepared, tmp_path / "one", request, patients=prepared)
    other = train_model(prepared, tmp_path / "other", wider, patients=prepared)
    np.testing.assert_array_equal(weights(one), weights(other))
    assert (one.operating_point, other.operating_point) == ("fpr-3e-3", "fpr-1e-2")


def test_what_has_no_network_is_not_trained_on(prepared: Path, tmp_path: Path) -> None:
    train_model(prepared, tmp_path / "plain", TrainRequest(model="intensity"))
    request = TrainRequest(start=str(tmp_path / "plain"), training=ONCE)
    with pytest.raises(UsageError, match="lesionless calibrate"):
        train_model(prepared, tmp_path / "after", request)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "sAE3"}, "found both"),
        ({"settings": {"widths": (4, 4)}}, "found both"),
        ({"start": None}, "found neither"),
        ({"start": None, "model": "restoration"}, "--start"),
    ],
)
def test_what_does_not_go_together_is_refused(
    changes: dict[str, str], words: str, began: Path, prepared: Path, tmp_path: Path
) -> None:
    request = replace(TrainRequest(start=str(began), training=ONCE), **changes)
    with pytest.raises(UsageError, match=words):
        train_model(prepared, tmp_path, request, patients=prepared)


def test_only_restoration_learns_from_patients(prepared: Path, tmp_path: Path) -> None:
    train_model(prepared, tmp_path / "sAE3", TrainRequest(model="sAE3", training=ONCE))
    request = TrainRequest(start=str(tmp_path / "sAE3"), training=ONCE)
    with pytest.raises(UsageError, match="Expected a restoration model"):
        train_model(prepared, tmp_path / "after", request, patients=prepared)


def test_a_store_with_other_pixels_is_refused(began: Path, prepared: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(prepared, other)
    how = json.loads((other / "prepare.json").read_text(encoding="utf-8"))
    (other / "prepare.json").write_text(json.dumps({**how, "matrix": 128}), encoding="utf-8")
    request = TrainRequest(start=str(began), training=ONCE)
    for normals, patients in ((other, prepared), (prepared, other)):
        with pytest.raises(UsageError, match="--matrix 64"):
            train_model(normals, tmp_path / "model", request, patients=patients)
