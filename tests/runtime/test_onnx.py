"""An exported graph gives the model's numbers in ONNX Runtime, and says what it is."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from tests.runtime.conftest import SIZE

from lesionless.errors import UsageError
from lesionless.models.catalogue import CATALOGUE
from lesionless.models.ensemble import Ensemble, EnsembleSettings
from lesionless.runtime import onnx

NOT_ONE_PASS = {"AnoGAN", "sVAE-MAP", "local-contrast"}
NETWORKS = [name for name in CATALOGUE if name not in NOT_ONE_PASS]


def run(path, image):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run([onnx.OUTPUT], {onnx.INPUT: image[:, np.newaxis]})
    return found[:, 0]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_numbers_are_the_model_s_for_any_batch(name, trained, image, tmp_path):
    method, path = trained(name), tmp_path / "network.onnx"
    onnx.write(method, path, size=SIZE, about={})
    with torch.no_grad():
        expected = method.reconstruct(torch.from_numpy(image).unsqueeze(1)).squeeze(1).numpy()
    for slices in (image, image[:1]):
        np.testing.assert_allclose(run(path, slices), expected[: len(slices)], atol=1e-5)
    assert list(tmp_path.iterdir()) == [path]


def test_several_networks_are_one_graph_in_a_folder_that_is_made(trained, image, tmp_path):
    members = [trained("sAE3", seed=seed) for seed in (1, 2)]
    path = tmp_path / "new" / "network.onnx"
    onnx.write(Ensemble(EnsembleSettings(()), members), path, size=SIZE, about={})
    x = torch.from_numpy(image).unsqueeze(1)
    with torch.no_grad():
        expected = sum(member.reconstruct(x) for member in members).squeeze(1).numpy() / 2
    np.testing.assert_allclose(run(path, image), expected, atol=1e-5)


@pytest.mark.parametrize("name", sorted(NOT_ONE_PASS))
def test_what_is_no_single_pass_is_refused(name, trained, tmp_path):
    with pytest.raises(UsageError, match="one pass through a network"):
        onnx.write(trained(name), tmp_path / "network.onnx", size=SIZE, about={})
    assert not list(tmp_path.iterdir())


def test_the_graph_says_what_it_is(trained, tmp_path):
    path, about = tmp_path / "network.onnx", {"thresholds": {"p98": 1.5, "fpr-1e-4": None}}
    onnx.write(trained("sAE3"), path, size=SIZE, about=about)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map[onnx.ABOUT]) == about


def test_a_missing_package_is_named(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="onnx and onnxscript not found"):
        onnx.write(trained("sAE3"), tmp_path / "network.onnx", size=SIZE, about={})
