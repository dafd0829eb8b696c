"""One contract over the whole catalogue: a new entry is tested the moment it is listed."""

import math

import pytest
import torch

from lesionless.errors import UsageError
from lesionless.models.autoencoder import count_parameters
from lesionless.models.catalogue import CATALOGUE, build, entry, resized

ADVERSARIAL = ("sAE-GAN", "sVAE-GAN")
LATENTS_AT_256 = {  # Table 1, as (channel, row, column)
    "dAE": (512,),
    "sAE1": (64, 8, 8),
    "sAE3": (64, 16, 16),
    "sAE-GAN": (64, 16, 16),
    "dVAE": (512,),
    "sVAE": (64, 16, 16),
    "sVAE-GAN": (64, 16, 16),
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_table_1_is_listed_with_the_competitors():
    assert {*LATENTS_AT_256, "AnoGAN"} <= set(CATALOGUE)
    assert {"intensity", "intensity-equalised", "local-contrast"} <= set(CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_first_weights_depend_on_the_seed_alone(name, tiny):
    torch.manual_seed(1)
    first = tiny(name, seed=5).state_dict()
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again = tiny(name, seed=5).state_dict()
    assert torch.equal(state, torch.get_rng_state())  # a caller's random numbers stay
    assert all(torch.equal(first[key], again[key]) for key in first)
    other = tiny(name, seed=6).state_dict()
    weights = [key for key in first if first[key].ndim > 1]
    assert not any(torch.equal(first[key], other[key]) for key in weights)


@pytest.mark.parametrize("name", CATALOGUE)
def test_reconstruction_has_the_input_s_shape_and_is_repeatable(name, tiny, x):
    method = tiny(name).eval()
    before = x.clone()
    first, again = method.reconstruct(x), method.reconstruct(x)
    assert first.shape == x.shape
    assert first.dtype == x.dtype
    assert torch.isfinite(first).all()
    assert not first.requires_grad or not x.requires_grad
    assert torch.equal(first, again)
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", CATALOGUE)
def test_slices_are_rebuilt_one_by_one(name, tiny, x):
    """In evaluation no slice depends on the others of its batch."""
    method = tiny(name).eval()
    whole = method.reconstruct(x)
    alone = torch.cat([method.reconstruct(x[n : n + 1]) for n in range(len(x))])
    torch.testing.assert_close(whole, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CATALOGUE)
def test_updates_share_out_all_parameters(name, tiny):
    method = tiny(name)
    owned = [id(p) for update in method.updates() for p in update.parameters]
    assert len(owned) == len(set(owned))
    assert set(owned) == {id(p) for p in method.parameters()}


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_loss_is_finite_and_moves_every_parameter_of_its_update(name, tiny, x):
    method = tiny(name).train()
    for update in method.updates():
        losses = update.loss(x, generator())
        assert math.isfinite(losses.total.item())
        assert losses.total.item() == pytest.approx(sum(v.item() for v in losses.terms.values()))
        gradients = torch.autograd.grad(losses.total, list(update.parameters))
        assert all(torch.isfinite(g).all() for g in gradients)
        assert all(g.abs().max() > 0 for g in gradients if g.ndim > 1)


@pytest.mark.parametrize("name", [*ADVERSARIAL, "AnoGAN"])
def test_the_discriminator_comes_first(name, tiny):
    first, second = tiny(name).updates()
    assert first.name == "discriminator"
    assert second.name in ("autoencoder", "generator")


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_learning_rates_are_the_paper_s(name):
    discriminator, autoencoder = build(resized(entry(name).settings, 32)).updates()
    assert (discriminator.learning_rate, autoencoder.learning_rate) == (1e-4, 1e-3)


@pytest.mark.parametrize("name", LATENTS_AT_256)
def test_latent_sizes_of_table_1(name):
    method = build(entry(name).settings).eval()
    with torch.inference_mode():
        code = method.encode(torch.zeros(1, 1, 256, 256))
        assert method.decode(code.z).shape == (1, 1, 256, 256)
    assert code.z.shape == (1, *LATENTS_AT_256[name])
    assert (code.log_variance is not None) == ("VAE" in name)


def test_anogan_s_latent_size_is_that_of_table_1():
    method = build(entry("AnoGAN").settings).eval()
    with torch.inference_mode():
        assert method.generator(torch.zeros(1, 64)).shape == (1, 1, 256, 256)


def test_encoder_and_decoder_are_equally_complex_across_variants():
    """The paper keeps them the same; sAE1 alone has one block more on each side, down to 8x8."""
    methods = {name: build(entry(name).settings) for name in LATENTS_AT_256}
    counts = {name: count_parameters([m.encoder, m.decoder]) for name, m in methods.items()}
    deeper = counts.pop("sAE1")
    assert len(set(counts.values())) == 1
    block = 25 * 128 * 128 + 2 * 128  # weights of a 5x5 convolution, batch norm
    assert deeper - counts["sAE3"] == 2 * block


def test_resized_changes_size_and_named_fields_only():
    settings = resized(entry("sVAE").settings, 64, lambda_prior=0.5)
    assert (settings.size, settings.lambda_prior) == (64, 0.5)
    assert resized(settings, 256, lambda_prior=1.0) == entry("sVAE").settings


def test_an_unknown_name_or_field_is_named():
    with pytest.raises(UsageError, match="sAE2"):
        entry("sAE2")
    with pytest.raises(UsageError, match="lambda_priro"):
        resized(entry("sVAE").settings, 64, lambda_priro=1.0)


@pytest.mark.parametrize(("name", "size"), [("sAE3", 40), ("sAE1", 48), ("AnoGAN", 40)])
def test_slices_that_cannot_be_halved_are_refused(name, size):
    with pytest.raises(UsageError, match=f"found {size} rows"):
        build(resized(entry(name).settings, size))


def test_a_discriminator_takes_slices_that_it_cannot_halve_evenly():
    """240 rows suit four halvings of the autoencoder, not five of the discriminator."""
    settings = resized(entry("sAE-GAN").settings, 48, widths=(4, 8, 8, 8))
    method = build(settings)
    (first, _) = method.updates()
    assert math.isfinite(first.loss(torch.rand(2, 1, 48, 48), generator()).total.item())


@pytest.mark.parametrize("name", [*ADVERSARIAL, "AnoGAN"])
def test_the_discriminator_s_loss_reaches_no_other_part(name, tiny, x):
    method = tiny(name).train()
    judge, other = method.updates()
    total = judge.loss(x, generator()).total
    found = torch.autograd.grad(total, list(other.parameters), allow_unused=True)
    assert all(gradient is None for gradient in found)


def test_lists_of_an_experiment_file_are_settings_like_those_of_a_saved_model():
    settings = resized(CATALOGUE["restoration"].settings, 64, widths=[8, 12])
    assert settings == resized(CATALOGUE["restoration"].settings, 64, widths=(8, 12))
