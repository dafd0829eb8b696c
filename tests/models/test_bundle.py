"""A bundle comes back bit for bit, or is refused with the reason."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lesionless.errors import ModelError
from lesionless.models import bundle
from lesionless.models.bundle import DESCRIPTION, NORMATIVE, WEIGHTS, Bundle
from lesionless.models.catalogue import CATALOGUE


@pytest.fixture
def make(tiny, tiny_settings):
    def make(name: str, **changes: object) -> Bundle:
        method = tiny(name, seed=3, **changes)
        for value in method.state_dict().values():  # buffers too: running means are not zero
            if value.is_floating_point():
                value += 0.05 * torch.rand(value.shape, generator=torch.Generator().manual_seed(1))
        return Bundle(
            name=name,
            settings=tiny_settings(name, **changes),
            prepare={"space": "mni152"},
            scoring={"residual": "positive"},
            normative={"centre": np.float64([0.1, 0.2]), "spread": np.float64([1.5, 2.5])},
            thresholds={"p98": 2.25, "fpr-1e-3": 4.125},
            operating_point="fpr-1e-3",
            training={"epochs": 3, "subjects": ["A", "B"]},
            suffix="T1w",
            method=method.eval(),
        )

    return make


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_bundle_comes_back_whole(name, make, x, tmp_path):
    saved = make(name)
    bundle.save(saved, tmp_path / "model")
    assert bundle.is_complete(tmp_path / "model")
    loaded = bundle.load(tmp_path / "model")
    assert torch.equal(loaded.method.reconstruct(x), saved.method.reconstruct(x))
    assert not loaded.method.training
    assert loaded.settings == saved.settings
    plain = ("name", "prepare", "scoring", "thresholds", "operating_point", "training", "suffix")
    for field in plain:
        assert getattr(loaded, field) == getattr(saved, field)
    assert loaded.normative.keys() == saved.normative.keys()
    for key, value in saved.normative.items():
        np.testing.assert_array_equal(loaded.normative[key], value)


def test_a_model_of_an_earlier_version_does_not_say_its_contrast(make, tmp_path):
    bundle.save(make("sAE3"), tmp_path)
    text = json.loads((tmp_path / DESCRIPTION).read_text())
    del text["suffix"]
    (tmp_path / DESCRIPTION).write_text(json.dumps(text))
    assert bundle.load(tmp_path).suffix == ""


def test_settings_that_differ_from_the_catalogue_come_back(make, tmp_path):
    saved = make("sVAE-GAN", lambda_prior=0.125, widths=(4, 4, 8, 8), norm="instance")
    bundle.save(saved, tmp_path)
    assert bundle.load(tmp_path).settings == saved.settings


def test_an_infinite_threshold_comes_back_and_the_description_is_json(make, tmp_path):
    saved = replace(make("intensity"), thresholds={"p98": 2.25, "conformal-1e-3": math.inf})
    bundle.save(saved, tmp_path)

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    text = (tmp_path / DESCRIPTION).read_text()
    found = json.loads(text, parse_constant=refuse)["thresholds"]
    assert found == {"p98": 2.25, "conformal-1e-3": None}
    assert bundle.load(tmp_path).thresholds == saved.thresholds


def test_a_description_of_before_with_infinity_is_read(make, tmp_path):
    bundle.save(make("intensity"), tmp_path)
    change(tmp_path / DESCRIPTION, thresholds={"conformal-1e-3": math.inf})
    assert "Infinity" in (tmp_path / DESCRIPTION).read_text()
    assert bundle.load(tmp_path).thresholds == {"conformal-1e-3": math.inf}


def test_channels_last_weights_come_back(make, x, tmp_path):
    saved = make("sAE3")
    saved.method.to(memory_format=torch.channels_last)
    bundle.save(saved, tmp_path)
    loaded = bundle.load(tmp_path).method.state_dict()
    assert all(torch.equal(loaded[k], v) for k, v in saved.method.state_dict().items())


def test_a_folder_is_used_again_for_another_model(make, tmp_path):
    bundle.save(make("sAE3"), tmp_path)
    bundle.save(make("intensity"), tmp_path)
    assert bundle.load(tmp_path).name == "intensity"


def test_an_interrupted_save_leaves_no_complete_bundle(make, tmp_path, monkeypatch):
    bundle.save(make("sAE3"), tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="disk full"):
        bundle.save(make("sVAE"), tmp_path)
    assert not bundle.is_complete(tmp_path)


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


DAMAGE = {
    "weights missing": lambda folder: (folder / WEIGHTS).unlink(),
    "weights cut": lambda folder: cut_in_half(folder / WEIGHTS),
    "normative missing": lambda folder: (folder / NORMATIVE).unlink(),
    "normative cut": lambda folder: cut_in_half(folder / NORMATIVE),
    "description cut": lambda folder: cut_in_half(folder / DESCRIPTION),
    "unknown model": lambda folder: change(folder / DESCRIPTION, name="sAE9"),
    "unknown field": lambda folder: change(folder / DESCRIPTION, colour="red"),
    "unknown setting": lambda folder: change(folder / DESCRIPTION, settings={"colour": "red"}),
    "settings of another model": lambda folder: change(folder / DESCRIPTION, settings={}),
    "description of another kind": lambda folder: (folder / DESCRIPTION).write_text("[1]"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_broken_bundle_is_refused(damage, make, tmp_path):
    bundle.save(make("sVAE"), tmp_path)
    DAMAGE[damage](tmp_path)
    with pytest.raises(ModelError, match="expected a trained model"):
        bundle.load(tmp_path)


def test_all_may_read_a_model_who_may_read_files(make, tmp_path, monkeypatch):
    bundle.save(make("sAE3"), tmp_path)
    modes = {path.name: path.stat().st_mode for path in tmp_path.iterdir()}
    (tmp_path / "other").touch()
    assert set(modes.values()) == {(tmp_path / "other").stat().st_mode}

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ModelError, match=r"weights\.safetensors: .*Ask its owner"):
        bundle.load(tmp_path)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(ModelError, match="nowhere"):
        bundle.load(tmp_path / "nowhere")


def test_the_shipped_models_are_whole_and_small():
    assert {"intensity", "local-contrast", "restoration"} == set(bundle.shipped())
    for name in bundle.shipped():
        assert sum(path.stat().st_size for path in (bundle.SHIPPED / name).iterdir()) < 12e6
    for name in bundle.shipped():
        model = bundle.load(name)
        assert model.name == name
        assert model.operating_point in model.thresholds
        assert model.thresholds["fpr-1e-2"] < model.thresholds["fpr-1e-3"]


def test_the_shipped_restoration_takes_a_bright_spot_and_leaves_the_rest():
    """A brain of tissue at 0.4 with one lesion of 7 mm in its white matter."""
    rows, columns = np.mgrid[:256, :256] - 127.5
    inside = (rows / 85) ** 2 + (columns / 66) ** 2 < 1
    image = np.where(inside, 0.4 + np.random.default_rng(0).normal(0, 0.01, inside.shape), 0)
    spot = np.hypot(rows - 10, columns - 30) < 3.5
    image[spot] = 0.62
    x = torch.from_numpy(image.astype(np.float32))[None, None]
    with torch.inference_mode():
        taken = (x - bundle.load("restoration").method.reconstruct(x)).numpy()[0, 0]
    assert taken[spot].mean() > 0.1
    far = inside & (np.hypot(rows - 10, columns - 30) > 8)
    assert taken[far].mean() < 0.002
