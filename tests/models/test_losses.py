"""The terms of Eq. 2 and Eq. 3 against numbers made by hand and torch.distributions."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from lesionless.models import losses


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def test_reconstruction_sums_pixels_and_averages_the_batch():
    x = torch.tensor([[[[1.0, 0.0], [0.5, 0.25]]], [[[0.0, 0.0], [0.0, 1.0]]]])
    x_hat = torch.tensor([[[[0.5, 0.5], [0.5, 0.50]]], [[[0.0, 0.0], [0.0, 0.0]]]])
    assert losses.reconstruction(x, x_hat).item() == pytest.approx((1.25 + 1.0) / 2)


@pytest.mark.parametrize("shape", [(3, 7), (3, 5, 4, 4)])
def test_prior_is_the_divergence_of_torch_distributions(shape):
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(shape, generator=generator)
    log_variance = torch.randn(shape, generator=generator)
    each = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    expected = each.flatten(1).sum(1).mean()
    torch.testing.assert_close(losses.prior(mean, log_variance), expected)


def test_prior_by_hand():
    one_nat = losses.prior(torch.tensor([[1.0, 1.0]]), torch.zeros(1, 2))
    assert one_nat.item() == pytest.approx(1.0)
    wide = losses.prior(torch.zeros(1, 1), torch.tensor([[math.log(4.0)]]))
    assert wide.item() == pytest.approx(0.5 * (4 - 1 - math.log(4.0)))


def test_prior_is_zero_only_at_the_standard_normal():
    assert losses.prior(torch.zeros(2, 3), torch.zeros(2, 3)).item() == 0
    for mean, log_variance in [(0.1, 0.0), (-0.1, 0.0), (0.0, 0.1), (0.0, -0.1)]:
        assert losses.prior(torch.full((1, 1), mean), torch.full((1, 1), log_variance)) > 0


def test_adversarial_is_minus_log_of_dis():
    logits = torch.tensor([logit(0.25), logit(0.5)])
    expected = -(math.log(0.25) + math.log(0.5)) / 2
    assert losses.adversarial(logits).item() == pytest.approx(expected)


def test_discrimination_is_eq_3():
    real, fake = torch.tensor([logit(0.9), logit(0.6)]), torch.tensor([logit(0.2), logit(0.7)])
    expected = -(math.log(0.9) + math.log(0.6)) / 2 - (math.log(0.8) + math.log(0.3)) / 2
    assert losses.discrimination(real, fake).item() == pytest.approx(expected)


def test_a_certain_discriminator_gives_finite_losses_and_gradients():
    far = torch.tensor([1e4], requires_grad=True)
    loss = losses.adversarial(-far) + losses.discrimination(-far, far)
    loss.backward()
    assert loss.item() == pytest.approx(3e4)
    assert far.grad is not None
    assert far.grad.item() == pytest.approx(3.0)


def test_accuracy_counts_both_kinds():
    real, fake = torch.tensor([1.0, 2.0, -1.0, 3.0]), torch.tensor([-1.0, 1.0, 1.0, 1.0])
    assert losses.accuracy(real, fake).item() == pytest.approx((3 / 4 + 1 / 4) / 2)


@pytest.mark.parametrize("name", ["reconstruction", "prior", "adversarial", "discrimination"])
def test_half_precision_is_summed_in_single(name):
    many = torch.full((1, 4096), 0.5, dtype=torch.bfloat16)
    arguments = {
        "reconstruction": (many, torch.zeros_like(many)),
        "prior": (many, torch.zeros_like(many)),
        "adversarial": (many[0],),
        "discrimination": (many[0], many[0]),
    }
    loss = getattr(losses, name)(*arguments[name])
    assert loss.dtype == torch.float32
    expected = getattr(losses, name)(*(a.float() for a in arguments[name]))
    torch.testing.assert_close(loss, expected)
