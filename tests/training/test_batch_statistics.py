"""Running statistics are those of the final weights."""

import numpy as np
import torch
from torch import nn

from lesionless.models.catalogue import build, entry, resized
from lesionless.models.method import Losses, Update
from lesionless.training import checkpoint
from lesionless.training.batch_statistics import measure_anew
from lesionless.training.loop import TrainSettings, train


class Normalised(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.BatchNorm2d(1)

    def updates(self):
        return [Update("it", list(self.parameters()), 0.1, self.loss)]

    def loss(self, x, generator):
        return Losses({"square": self.layer(x).square().mean()})


def batches(n):
    draw = torch.Generator().manual_seed(0)
    return [(torch.randn(4, 1, 8, 8, generator=draw) * k + k, draw) for k in range(1, n + 1)]


def test_every_batch_counts_alike_and_what_was_there_before_is_forgotten():
    method = Normalised()
    method.layer.running_mean.fill_(99)
    before = [p.clone() for p in method.parameters()]
    measure_anew(method, method.updates(), batches(5))
    means = torch.stack([x.mean() for x, _ in batches(5)])
    variances = torch.stack([x.var() for x, _ in batches(5)])
    torch.testing.assert_close(method.layer.running_mean, means.mean().view(1))
    torch.testing.assert_close(method.layer.running_var, variances.mean().view(1))
    assert method.layer.momentum == 0.1
    assert all(torch.equal(a, b) for a, b in zip(before, method.parameters(), strict=True))
    assert all(p.grad is None for p in method.parameters())


def test_what_is_rebuilt_comes_closer_to_what_was_rebuilt_in_training(tmp_path, one_thread):
    rows, columns = np.mgrid[:32, :32] - 15.5
    inside = np.where(np.hypot(rows, columns) < 11, 0.4, 0).astype(np.float32)
    slices = inside * np.linspace(0.8, 1.2, 16, dtype=np.float32)[:, None, None]
    method = build(resized(entry("sAE3").settings, 32, learning_rate=3e-3))
    settings = TrainSettings(epochs=3, batch_size=16, precision="fp32")
    train(method, slices, settings, tmp_path, about={})
    x = torch.from_numpy(slices).unsqueeze(1)
    after = {name: value.clone() for name, value in method.state_dict().items()}
    lagging = torch.load(tmp_path / checkpoint.NAME)["method"]
    off = [gap(method, state, x) for state in (lagging, after)]
    assert off[1] < 0.1 * off[0]


def gap(method, state, x):
    """The mean difference between slices rebuilt with running and with batch statistics."""
    rebuilt = []
    for mode in (False, True):
        method.load_state_dict(state)
        with torch.no_grad():
            rebuilt.append(method.train(mode).reconstruct(x))
    return (rebuilt[0] - rebuilt[1]).abs().mean().item()
