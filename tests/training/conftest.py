"""Slices, tiny methods of the catalogue, and a method whose training is known by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lesionless.models.method import Losses, Update

SIZE = 32


@pytest.fixture(autouse=True, scope="module")
def always_one_thread(one_thread: None) -> None:
    """Apply to every test of this folder."""


@pytest.fixture
def slices() -> np.ndarray:
    return np.random.default_rng(0).random((10, SIZE, SIZE), dtype=np.float32)


class Means(nn.Module):
    """Two weights in two updates; each loss is its weight times the batch's mean."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.ones(()))
        self.second = nn.Parameter(torch.ones(()))
        self.seen: list[tuple[str, list[float], bool]] = []
        self.draws: list[float] = []

    def updates(self) -> list[Update]:
        return [
            Update("one", [self.first], 0.01, lambda x, noise: self.loss("one", x, noise)),
            Update("two", [self.second], 0.1, lambda x, noise: self.loss("two", x, noise)),
        ]

    def loss(self, name: str, x: Tensor, noise: torch.Generator) -> Losses:
        self.seen.append((name, x[:, 0, 0, 0].tolist(), self.training))
        self.draws.append(torch.rand((), generator=noise).item())
        weight = self.first if name == "one" else self.second
        mean = x.mean()
        return Losses(
            {"mean": weight * mean, "both": 0 * self.first * self.second},
            {"size": torch.tensor(float(len(x)))},
        )


@pytest.fixture
def means() -> Means:
    return Means()
