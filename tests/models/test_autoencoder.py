"""Eq. 2 term by term, and the limits in which one variant is another: on gradients and updates."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from lesionless.errors import UsageError
from lesionless.models import losses
from lesionless.models.bottleneck import Code
from lesionless.models.cutout import cut_out
from lesionless.models.method import Update

AUTOENCODERS = ("dAE", "sAE1", "sAE3", "sAE-GAN", "dVAE", "sVAE", "sVAE-GAN")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def update(method: Any, name: str) -> Update:
    return next(u for u in method.updates() if u.name == name)


def gradients(method: Any, x: Tensor) -> dict[str, Tensor]:
    """Gradients of the encoder-decoder's loss by parameter name."""
    mine = update(method, "autoencoder")
    names = {id(p): name for name, p in method.named_parameters()}
    found = torch.autograd.grad(mine.loss(x, generator()).total, list(mine.parameters))
    return {names[id(p)]: g for p, g in zip(mine.parameters, found, strict=True)}


def train(method: Any, x: Tensor, steps: int = 3) -> dict[str, Tensor]:
    """Parameters of the encoder-decoder after some steps of its own update."""
    mine, noise = update(method, "autoencoder"), generator()
    adam = torch.optim.Adam(mine.parameters, lr=mine.learning_rate)
    for _ in range(steps):
        found = torch.autograd.grad(mine.loss(x, noise).total, list(mine.parameters))
        for parameter, gradient in zip(mine.parameters, found, strict=True):
            parameter.grad = gradient
        adam.step()
    owned = {id(p) for p in mine.parameters}
    return {name: p.detach() for name, p in method.named_parameters() if id(p) in owned}


def term(method: Any, x: Tensor, name: str) -> Tensor:
    return update(method, "autoencoder").loss(x, generator()).terms[name]


def test_terms_of_eq_2_are_weighted(tiny, x):
    weights = {"lambda_reconstruction": 2.0, "lambda_prior": 3.0, "lambda_adversarial": 5.0}
    plain = tiny("sVAE-GAN", **dict.fromkeys(weights, 1.0)).train()
    weighted = tiny("sVAE-GAN", **weights).train()
    for name in ("reconstruction", "prior", "adversarial"):
        expected = weights[f"lambda_{name}"] * term(plain, x, name)
        torch.testing.assert_close(term(weighted, x, name), expected)


def test_the_loss_is_eq_2(tiny, x):
    method = tiny("sVAE-GAN").train()
    found = update(method, "autoencoder").loss(x, generator())
    code = method.encode(x, generator())
    x_hat = method.decode(code.z)
    dis = torch.sigmoid(method.discriminator(x_hat))
    settings = method.settings
    expected = (
        settings.lambda_reconstruction * (x - x_hat).abs().sum() / len(x)
        + settings.lambda_prior * losses.prior(code.mean, code.log_variance)
        - settings.lambda_adversarial * torch.log(dis).mean()
    )
    torch.testing.assert_close(found.total, expected)


def test_the_discriminator_s_loss_is_eq_3(tiny, x):
    method = tiny("sVAE-GAN").train()
    found = update(method, "discriminator").loss(x, generator())
    x_hat = method.decode(method.encode(x, generator()).z)
    real, fake = (torch.sigmoid(method.discriminator(slices)) for slices in (x, x_hat))
    torch.testing.assert_close(found.total, -(real.log().mean() + (1 - fake).log().mean()))
    right = 0.5 * ((real > 0.5).float().mean() + (fake <= 0.5).float().mean())
    torch.testing.assert_close(found.watched["accuracy"], right)


class Judge(torch.nn.Module):
    """Say 0.9 of slices that are not black, and 0.25 of black ones."""

    def forward(self, x: Tensor) -> Tensor:
        dis = torch.where(x.flatten(1).mean(1) > 0, 0.9, 0.25)
        return torch.logit(dis)


def test_eq_2_and_eq_3_on_numbers_made_by_hand(tiny):
    """|x - x_hat| sums to 0.5 * 1024; N(1, 1) in 4 values is 2 nats from N(0, I)."""
    weights = {"lambda_reconstruction": 2.0, "lambda_prior": 3.0, "lambda_adversarial": 5.0}
    method = tiny("sVAE-GAN", **weights).train()
    x = torch.full((2, 1, 32, 32), 0.5)
    mean, log_variance = torch.ones(2, 4), torch.zeros(2, 4)
    method.encode = lambda x, generator=None: Code(mean, mean, log_variance)
    method.decode = lambda z: torch.zeros_like(x)
    method.discriminator = Judge()
    eq_2 = update(method, "autoencoder").loss(x, generator()).total
    assert eq_2.item() == pytest.approx(2 * 512 + 3 * 2 - 5 * math.log(0.25), rel=1e-6)
    eq_3 = method._discriminator_loss(x, generator())
    assert eq_3.total.item() == pytest.approx(-math.log(0.9) - math.log(1 - 0.25), rel=1e-6)
    assert eq_3.watched["accuracy"].item() == 1


@pytest.mark.parametrize("name", ["dVAE", "sVAE", "sVAE-GAN"])
def test_the_prior_reaches_the_encoder_only(name, tiny, x):
    method = tiny(name).train()
    owned = update(method, "autoencoder").parameters
    found = torch.autograd.grad(term(method, x, "prior"), list(owned), allow_unused=True)
    reached = {id(p) for p, g in zip(owned, found, strict=True) if g is not None}
    heads = (method.encoder, method.bottleneck.mean, method.bottleneck.log_variance)
    assert reached == {id(p) for part in heads for p in part.parameters()}


@pytest.mark.parametrize("name", ["sAE-GAN", "sVAE-GAN"])
def test_the_adversarial_term_pushes_the_whole_encoder_decoder(name, tiny, x):
    method = tiny(name).train()
    owned = [p for p in update(method, "autoencoder").parameters if p.ndim > 1]
    found = torch.autograd.grad(term(method, x, "adversarial"), owned)
    assert all(g.abs().max() > 0 for g in found)


@pytest.mark.parametrize(("gan", "without"), [("sVAE-GAN", "sVAE"), ("sAE-GAN", "sAE3")])
def test_without_lambda_3_the_gan_is_the_autoencoder(gan, without, tiny, x):
    adversarial, plain = tiny(gan, lambda_adversarial=0.0).train(), tiny(without).train()
    first, second = gradients(adversarial, x), gradients(plain, x)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    first, second = train(adversarial, x), train(plain, x)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("gan", "without"), [("sVAE-GAN", "sVAE"), ("sAE-GAN", "sAE3")])
def test_lambda_3_changes_the_updates(gan, without, tiny, x):
    first, second = train(tiny(gan).train(), x), train(tiny(without).train(), x)
    assert not any(torch.equal(first[name], second[name]) for name in first if "weight" in name)


@pytest.mark.parametrize(("vae", "ae"), [("sVAE", "sAE3"), ("dVAE", "dAE")])
def test_without_lambda_2_and_noise_the_vae_is_the_autoencoder(vae, ae, tiny, x):
    plain = tiny(ae).train()
    variational = tiny(vae, lambda_prior=0.0).train()
    variational.load_state_dict(plain.state_dict(), strict=False)
    variational.bottleneck.eval()  # z is its mean; the normalisation goes on training
    first, second = gradients(variational, x), gradients(plain, x)
    assert {name for name in first if "log_variance" not in name} == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in second)
    assert all(not first[name].any() for name in first.keys() - second.keys())
    first, second = train(variational, x), train(plain, x)
    assert all(torch.equal(first[name], second[name]) for name in second)


@pytest.mark.parametrize(("vae", "ae"), [("sVAE", "sAE3"), ("dVAE", "dAE")])
@pytest.mark.parametrize("kept", ["prior", "noise"])
def test_prior_or_noise_alone_keep_the_vae_apart(vae, ae, kept, tiny, x):
    plain = tiny(ae).train()
    variational = tiny(vae, lambda_prior=1.0 if kept == "prior" else 0.0).train()
    variational.load_state_dict(plain.state_dict(), strict=False)
    if kept == "prior":
        variational.bottleneck.eval()
    first, second = gradients(variational, x), gradients(plain, x)
    assert not torch.equal(first["encoder.blocks.0.0.weight"], second["encoder.blocks.0.0.weight"])


@pytest.mark.parametrize("name", ["dVAE", "sVAE", "sVAE-GAN"])
def test_a_vae_reconstructs_from_the_mean(name, tiny, x):
    method = tiny(name).eval()
    code = method.encode(x)
    assert torch.equal(code.z, code.mean)
    assert torch.equal(method.reconstruct(x), method.decode(code.mean))


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_training_learns_what_slices_share(name, tiny, x):
    shared = torch.nn.functional.interpolate(x[:1, :, :4, :4], size=x.shape[-1], mode="bilinear")
    slices = (shared + 0.05 * x).clamp(0, 1)
    method = tiny(name, lambda_adversarial=1.0, learning_rate=1e-2).train()
    before = term(method, slices, "reconstruction").item()
    train(method, slices, steps=60)
    assert term(method, slices, "reconstruction").item() < 0.6 * before


@pytest.mark.parametrize(("output", "low", "high"), [("sigmoid", 0, 1), ("linear", -9, 9)])
def test_output_activation(output, low, high, tiny, x):
    x_hat = tiny("sAE3", output=output).eval().reconstruct(x)
    assert low <= x_hat.min()
    assert x_hat.max() <= high


@pytest.mark.parametrize(("norm", "kind"), [("batch", "BatchNorm2d"), ("none", "Identity")])
def test_normalisation_is_that_of_the_settings(norm, kind, tiny):
    method = tiny("sAE-GAN", norm=norm)
    blocks = [*method.encoder.blocks, *method.decoder.blocks, *method.discriminator.blocks[1:]]
    assert {type(block[1]).__name__ for block in blocks} == {kind}
    assert type(method.discriminator.blocks[0][1]).__name__ == "Identity"


def test_a_context_autoencoder_rebuilds_the_whole_slice_from_one_with_gaps(tiny, x):
    method = tiny("context-AE").train()
    found = term(method, x, "reconstruction")
    seen = cut_out(x, generator(), squares=method.settings.cutouts)
    assert (seen == 0).any()
    torch.testing.assert_close(found, losses.reconstruction(x, method.reconstruct(seen)))
    torch.testing.assert_close(
        method.eval().reconstruct(x), method.decode(method.encode(x).z)
    )  # nothing is cut at test


@pytest.mark.parametrize(
    ("field", "misspelt", "known"),
    [
        ("law", "vae", "AE, VAE"),
        ("shape", "sptial", "dense, spatial"),
        ("norm", "layer", "batch, instance, none"),
        ("output", "tanh", "linear, sigmoid"),
    ],
)
@pytest.mark.parametrize("name", ["sVAE-GAN", "sVAE-MAP"])
def test_misspelt_settings_make_no_other_network(name, field, misspelt, known, tiny_settings):
    with pytest.raises(UsageError, match=f"{field} .*{known}, found '{misspelt}'"):
        tiny_settings(name, **{field: misspelt})
