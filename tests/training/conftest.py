"""Slices, tiny methods of the catalogue, and a method whose training is known by hand."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lesionless.models.catalogue import build, entry, resized
from lesionless.models.method import Losses, Update

SIZE = 32
NARROW: dict[str, Any] = {
    "widths": (4, 8, 8, 8),
    "discriminator_widths": (4, 8, 8),
    "latent": 4,
    "search_steps": 2,
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Networks this small run many times faster on one thread of a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny() -> Callable[..., Any]:
    def make(name: str, *, seed: int = 0, **changes: Any) -> Any:
        settings = entry(name).settings
        known = {field.name for field in fields(settings)}
        narrow = {key: value for key, value in NARROW.items() if key in known}
        return build(resized(settings, SIZE, **{**narrow, **changes}), seed=seed)

    return make


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
