"""Slices are changed until a trained VAE finds them likely."""

import numpy as np
import torch

from lesionless.models import losses
from lesionless.models.catalogue import build, entry, resized
from lesionless.training.loop import TrainSettings, train


def discs(n: int) -> np.ndarray:
    rows, columns = np.mgrid[:32, :32] - 15.5
    inside = np.hypot(rows, columns) < 11
    texture = np.random.default_rng(0).normal(0.4, 0.01, (n, 32, 32))
    return np.where(inside, texture, 0).astype(np.float32)


def made(**changes):
    return build(resized(entry("sVAE-MAP").settings, 32, **changes)).eval()


def spotted() -> torch.Tensor:
    x = torch.from_numpy(discs(2)).unsqueeze(1)
    x[..., 12:17, 12:17] += 0.4
    return x


def test_weights_of_an_svae_fit():
    vae = build(resized(entry("sVAE").settings, 32), seed=3)
    method = made()
    method.load_state_dict(vae.state_dict())
    x = spotted()
    with torch.no_grad():
        torch.testing.assert_close(method.decode(method.encode(x).z), vae.eval().reconstruct(x))


def test_the_objective_falls_and_the_weights_stay(x):
    method = made()
    before = {name: value.clone() for name, value in method.state_dict().items()}
    with torch.no_grad():
        restored = method.reconstruct(x)
        assert method.objective(x, restored) < method.objective(x, x)
    assert all(torch.equal(before[name], value) for name, value in method.state_dict().items())


def test_it_restores_where_the_caller_is_in_inference_mode():
    method, expected = made(), made().reconstruct(spotted())
    with torch.inference_mode():
        assert torch.equal(method.reconstruct(spotted()), expected)


def test_the_objective_by_hand():
    x, change = torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    change[..., 4, 4] = 0.5  # four steps of 0.5: two along rows, two along columns
    free, bound = made(lambda_variation=0.0), made(lambda_variation=3.0)
    with torch.no_grad():
        added = bound.objective(x, x + change) - free.objective(x, x + change)
    torch.testing.assert_close(added, torch.tensor(3.0 * 4 * 0.5), rtol=1e-3, atol=1e-3)


def test_the_objective_has_the_prior_of_each_slice_and_nothing_leaves_the_range(x):
    free, bound = made(lambda_prior=0.0), made(lambda_prior=3.0)
    with torch.no_grad():
        added = bound.objective(x, x) - free.objective(x, x)
        code = bound.encode(x)
        restored = made(lambda_variation=0.0, search_learning_rate=1.0).reconstruct(x)
    expected = 3 * len(x) * losses.prior(code.mean, code.log_variance)
    torch.testing.assert_close(added, expected, rtol=1e-3, atol=1e-2)
    assert restored.min() >= 0 and restored.max() <= 1


def test_variation_that_costs_much_keeps_the_slice_as_it_is():
    x = spotted()
    moved = [
        (made(lambda_variation=weight).reconstruct(x) - x).diff(dim=2).abs().mean()
        for weight in (0.0, 10.0)
    ]
    assert moved[1] < 0.5 * moved[0]


def test_trained_it_takes_a_spot_away_and_leaves_the_rest(tmp_path, one_thread):
    method = build(resized(entry("sVAE-MAP").settings, 32))
    train(method, discs(64), TrainSettings(epochs=20, batch_size=16), tmp_path, about={})
    x = spotted()
    taken = (x - method.reconstruct(x))[0, 0]
    spot = taken[12:17, 12:17].mean()
    assert spot > 0.1
    assert not taken[x[0, 0] == 0].any()
    taken[9:20, 9:20] = 0
    assert taken[x[0, 0] > 0].abs().mean() < 0.5 * spot
