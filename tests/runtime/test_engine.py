"""The engine gives the trained model's numbers, whatever the batch, and leaves the model alone."""

import numpy as np
import pytest
import torch

from lesionless.models import bundle, precision
from lesionless.models.catalogue import CATALOGUE, build
from lesionless.models.precision import has_fast_bf16
from lesionless.runtime.engine import engine, reconstruct
from lesionless.training.loop import TrainSettings, train


def eager(method, image):
    return method.reconstruct(torch.from_numpy(image).unsqueeze(1)).detach().squeeze(1).numpy()


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_numbers_are_the_model_s(name, trained, image):
    method = trained(name)
    found = reconstruct(method, image)
    assert found.shape == image.shape
    assert found.dtype == np.float32
    in_bf16 = name == "restoration" and has_fast_bf16("cpu")
    atol = 2e-3 if in_bf16 else 1e-5
    far = ~np.isclose(found, eager(method, image), rtol=1e-4, atol=atol)
    assert far.mean() <= turned_by_rounding(name)


def turned_by_rounding(name):
    """The share of pixels that a search along signs of gradients may send another way."""
    return 0.01 if name == "sVAE-MAP" else 0


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("batch_size", [1, 2, 5, 8])
def test_the_batch_size_does_not_matter(name, batch_size, trained, image):
    method = trained(name)
    found = reconstruct(method, image, batch_size=batch_size)
    np.testing.assert_allclose(found, reconstruct(method, image), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_model_and_the_image_are_left_as_they_are(name, trained, image):
    method, before = trained(name).train(), image.copy()
    state = {key: value.clone() for key, value in method.state_dict().items()}
    found = reconstruct(method, image)
    assert method.training
    assert all(torch.equal(value, state[key]) for key, value in method.state_dict().items())
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(found, reconstruct(method.eval(), image))  # its own mode is moot


def test_bfloat16_moves_the_shipped_model_s_numbers_by_less_than_a_hundredth(monkeypatch):
    """And nothing of a model that does not bear it."""
    x = np.full((1, 256, 256), 0.4, dtype=np.float32)
    x[:, 120:128, 100:108] = 0.8
    methods = [bundle.load("restoration").method, build(CATALOGUE["sAE3"].settings)]
    rebuilt = []
    for in_hardware in (True, False):
        monkeypatch.setattr(precision, "has_fast_bf16", lambda device, on=in_hardware: on)
        rebuilt.append([reconstruct(method, x) for method in methods])
    (fast, as_ever), (exact, expected) = rebuilt
    assert 0 < np.abs(fast - exact).max() < 0.01
    assert (x - fast).max() > 0.1
    np.testing.assert_array_equal(as_ever, expected)


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_engine_is_made_once_and_called_often(name, trained, image):
    method = trained(name)
    rebuild = engine(method, batch_size=3)
    np.testing.assert_array_equal(rebuild(image), reconstruct(method, image, batch_size=3))
    np.testing.assert_array_equal(rebuild(image[:2]), reconstruct(method, image[:2], batch_size=3))


@pytest.mark.parametrize("name", ["sAE3", "restoration"])
def test_at_a_glance_the_numbers_are_those_of_the_model_s_glance_if_it_has_one(
    name, trained, image
):
    method = trained(name)
    found = engine(method)(image, glance=True)
    x = torch.from_numpy(image).unsqueeze(1)
    expected = getattr(method, "glance", method.reconstruct)(x).detach().squeeze(1).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-3)
    assert (name == "sAE3") == np.array_equal(found, reconstruct(method, image))


@pytest.mark.parametrize("name", ["sAE3", "sVAE-GAN", "AnoGAN", "intensity"])
def test_no_slice_gives_no_slice(name, trained, image):
    assert reconstruct(trained(name), image[:0]).shape == (0, 32, 32)


@pytest.mark.parametrize("name", ["dAE", "sVAE-GAN", "AnoGAN"])
def test_a_trained_and_a_loaded_model_agree_to_the_bit(name, trained, image, tmp_path):
    method = trained(name)
    settings = TrainSettings(epochs=1, batch_size=4, precision="fp32")
    train(method, np.concatenate([image, image[:3]]), settings, tmp_path, about={})
    saved = bundle.Bundle(name, method.settings, {}, {}, {}, {}, "fpr-1e-3", method=method)
    bundle.save(saved, tmp_path / "model")
    loaded = bundle.load(tmp_path / "model").method
    np.testing.assert_array_equal(reconstruct(method, image), reconstruct(loaded, image))
