"""The search for a code: it lowers its loss, finds a generated slice, and leaves the networks."""

from dataclasses import replace

import pytest
import torch

from lesionless.errors import UsageError
from lesionless.models import losses


@pytest.fixture
def anogan(tiny):
    method = tiny("AnoGAN", widths=(8, 8, 8), latent=4, search_steps=150).eval()
    with torch.no_grad():
        method.generator.expand[0].weight *= 50  # its slices differ, as a trained one's do
    return method


def generated(anogan, number=3, seed=11):
    with torch.no_grad():
        return anogan.sample(number, torch.Generator().manual_seed(seed))


def search_loss(anogan, x, z):
    with torch.no_grad():
        return anogan.search_loss(x, anogan.discriminator.features(x), z).item()


def test_the_search_finds_a_generated_slice_again(anogan):
    x = generated(anogan)
    found = anogan.reconstruct(x)
    start = torch.randn(1, 4, generator=torch.Generator().manual_seed(0)).repeat(3, 1)
    with torch.no_grad():
        before = (x - anogan.generator(start)).abs().mean()
    assert (x - found).abs().mean() < 0.05 * before


def test_more_steps_lower_the_loss(tiny):
    reached = []
    for steps in (0, 10, 40):
        method = tiny("AnoGAN", widths=(8, 8, 8), latent=4, search_steps=steps).eval()
        x = generated(method)
        reached.append(search_loss(method, x, method.search(x)))
    assert reached[0] > reached[1] > reached[2]


def test_the_search_finds_the_same_with_bfloat16_as_without(tiny, monkeypatch):
    """Far closer to each other than what two starts lead to; on slices no code gives exactly."""
    x = torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    found = {}
    for reduced, seed in ((False, 0), (True, 0), (False, 1)):
        monkeypatch.setattr("lesionless.models.precision.has_fast_bf16", lambda _, r=reduced: r)
        method = tiny("AnoGAN", widths=(8, 8, 8), latent=4, search_steps=100).eval()
        method.settings = replace(method.settings, seed=seed)
        found[reduced, seed] = method.reconstruct(x)
    off = (found[True, 0] - found[False, 0]).abs().mean()
    assert 0 < off < 0.2 * (found[False, 1] - found[False, 0]).abs().mean()


def test_the_search_leaves_the_networks_as_they_are(anogan):
    before = {name: value.clone() for name, value in anogan.state_dict().items()}
    anogan.reconstruct(generated(anogan))
    after = anogan.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(p.grad is None and p.requires_grad for p in anogan.parameters())


def test_search_works_where_the_caller_has_switched_gradients_off(anogan):
    x = generated(anogan)
    with torch.no_grad():
        assert torch.equal(anogan.reconstruct(x), anogan.reconstruct(x))


@pytest.mark.parametrize("weight", [0.0, 0.1, 1.0])
def test_search_loss_by_hand(weight, tiny, x):
    method = tiny("AnoGAN", feature_weight=weight).eval()
    z = torch.randn(len(x), method.settings.latent, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        x_hat = method.generator(z)
        features, features_hat = (
            method.discriminator.features(x),
            method.discriminator.features(x_hat),
        )
    each = [
        (1 - weight) * (x[n] - x_hat[n]).abs().mean()
        + weight * (features[n] - features_hat[n]).abs().mean()
        for n in range(len(x))
    ]
    assert search_loss(method, x, z) == pytest.approx(sum(each).item(), rel=1e-5)


def test_updates_are_those_of_a_gan(tiny, x):
    method = tiny("AnoGAN", discriminator_noise=0.0).train()
    judge, generate = method.updates()
    found = judge.loss(x, torch.Generator().manual_seed(1))
    x_hat = method.sample(len(x), torch.Generator().manual_seed(1))
    real, fake = method.discriminator(x), method.discriminator(x_hat)
    torch.testing.assert_close(found.total, losses.discrimination(real, fake))
    fooled = generate.loss(x, torch.Generator().manual_seed(1))
    torch.testing.assert_close(fooled.total, losses.adversarial(fake))
    assert list(fooled.terms) == ["adversarial"]  # no pixel of x enters


def test_the_discriminator_sees_real_and_generated_slices_under_the_same_noise(tiny, x):
    """Seen through a discriminator that returns the spread of what it is given."""
    method = tiny("AnoGAN", discriminator_noise=0.5).train()
    seen: list[torch.Tensor] = []
    method.discriminator.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    judge, generate = method.updates()
    judge.loss(x, torch.Generator().manual_seed(1))
    generate.loss(x, torch.Generator().manual_seed(1))
    with torch.no_grad():
        x_hat = method.sample(len(x), torch.Generator().manual_seed(1))
    for given, clear in zip(seen, (x, x_hat, x_hat), strict=True):
        assert (given - clear).std().item() == pytest.approx(0.5, rel=0.1)


def test_samples_depend_on_the_generator_alone_and_stay_in_range(anogan):
    first = generated(anogan, seed=1)
    torch.manual_seed(5)
    assert torch.equal(first, generated(anogan, seed=1))
    assert not torch.equal(first, generated(anogan, seed=2))
    assert first.min() >= 0
    assert first.max() <= 1


def test_an_unknown_norm_is_refused(tiny_settings):
    with pytest.raises(UsageError, match=r"norm .*batch, instance, none, found 'layer'"):
        tiny_settings("AnoGAN", norm="layer")
