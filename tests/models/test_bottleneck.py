"""The code's law and shape: what is drawn, when, and from what."""

import pytest
import torch

from lesionless.models.bottleneck import Bottleneck, DenseShape, SpatialShape, sample

SHAPES = {
    "spatial": lambda: SpatialShape(16, 5),
    "dense": lambda: DenseShape(16, 5, size=4),
}


@pytest.fixture
def features() -> torch.Tensor:
    return torch.randn(3, 16, 4, 4, generator=torch.Generator().manual_seed(1))


def bottleneck(shape: str, law: str) -> Bottleneck:
    torch.manual_seed(0)
    return Bottleneck(SHAPES[shape](), law=law)


def generator(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("shape", "expected"), [("spatial", (3, 5, 4, 4)), ("dense", (3, 5))])
def test_shape_of_code_and_way_back(shape, expected, features):
    part = bottleneck(shape, "AE")
    code = part(features)
    assert code.z.shape == expected
    assert part.expand(code.z).shape == features.shape


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("training", [True, False])
def test_an_ae_regresses_z(shape, training, features):
    part = bottleneck(shape, "AE").train(training)
    code = part(features, generator())
    assert code.log_variance is None
    torch.testing.assert_close(code.z, part.mean(features), rtol=0, atol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_vae_takes_the_mean_outside_of_training(shape, features):
    part = bottleneck(shape, "VAE").eval()
    code = part(features, generator())
    assert code.log_variance is not None
    torch.testing.assert_close(code.z, part.mean(features), rtol=0, atol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_vae_draws_z_in_training_from_the_generator_alone(shape, features):
    part = bottleneck(shape, "VAE").train()
    first = part(features, generator(3)).z
    torch.manual_seed(99)
    assert torch.equal(first, part(features, generator(3)).z)
    assert not torch.equal(first, part(features, generator(4)).z)


def test_drawn_codes_have_the_mean_and_variance_asked_for():
    mean, log_variance = torch.tensor([[2.0, -1.0]]), torch.tensor([[0.0, -2.0]])
    z = sample(mean.expand(40_000, 2), log_variance.expand(40_000, 2), generator())
    torch.testing.assert_close(z.mean(0), mean[0], rtol=0, atol=0.03)
    torch.testing.assert_close(z.var(0), log_variance[0].exp(), rtol=0.03, atol=0)


def test_the_draw_is_reparameterised():
    """d z / d mean = 1 and d z / d log-variance = (z - mean) / 2."""
    mean = torch.zeros(1, 6, requires_grad=True)
    log_variance = torch.full((1, 6), 0.4, requires_grad=True)
    z = sample(mean, log_variance, generator())
    to_mean, to_log_variance = torch.autograd.grad(z.sum(), [mean, log_variance])
    torch.testing.assert_close(to_mean, torch.ones(1, 6))
    torch.testing.assert_close(to_log_variance, (z - mean).detach() / 2)
