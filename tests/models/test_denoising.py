"""The U-Net that takes coarse noise away."""

import numpy as np
import pytest
import torch

from lesionless.models.denoising import Denoising, DenoisingSettings
from lesionless.training.loop import TrainSettings, train

TINY = DenoisingSettings(size=64, widths=(12, 16), learning_rate=5e-3, grid=8)


def brains(n: int) -> np.ndarray:
    rows, columns = np.mgrid[:64, :64] - 31.5
    inside = np.hypot(rows / 0.95, columns) < 20
    texture = np.random.default_rng(0).normal(0.4, 0.01, (n, 64, 64))
    return np.where(inside, texture, 0).astype(np.float32)


def test_noise_is_as_coarse_and_as_strong_as_asked_for():
    method = Denoising(DenoisingSettings(size=256, widths=(4, 4)))
    noise = method.noise(torch.zeros(64, 1, 256, 256), torch.Generator().manual_seed(0))
    assert noise.shape == (64, 1, 256, 256)
    # bilinear between independent values a: the variance is 0.2^2 at the nodes and, on average
    # over each axis, (2/3) of it
    assert noise.std().item() == pytest.approx(0.2 * 2 / 3, rel=0.05)
    apart = [(noise[..., 16 * n :, :] * noise[..., : 256 - 16 * n, :]).mean() for n in (0, 2)]
    assert abs(apart[1] / apart[0]) < 0.05  # two cells away nothing is known
    fine = noise[..., 1:, :] - noise[..., :-1, :]
    assert fine.std() < 0.2 * noise.std()


def test_noise_is_drawn_anew_for_each_slice_and_repeats_with_its_seed():
    method, x = Denoising(TINY), torch.zeros(2, 1, 64, 64)
    first, again = (method.noise(x, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first[0], first[1])


def test_trained_it_takes_a_bright_spot_and_leaves_the_rest(tmp_path, one_thread):
    method = Denoising(TINY)
    history = train(method, brains(32), TrainSettings(epochs=25, beta1=0.9), tmp_path, about={})
    losses = [row["denoising.reconstruction"] for row in history]
    assert losses[-1] < 0.25 * losses[0]
    x = torch.from_numpy(brains(1)).view(1, 1, 64, 64)
    x[..., 28:34, 28:34] += 0.3
    with torch.no_grad():
        taken = (x - method.reconstruct(x))[0, 0].numpy()
    spot = taken[28:34, 28:34].mean()
    taken[24:38, 24:38] = 0
    assert spot > 0.1
    assert np.abs(taken).mean() < 0.1 * spot


def test_nothing_is_rebuilt_outside_the_brain():
    method = Denoising(TINY).eval()
    x = torch.from_numpy(brains(2)).unsqueeze(1)
    with torch.no_grad():
        assert not method.reconstruct(x)[x == 0].any()
