"""Tiny methods whose normalisation has seen slices, as after training."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lesionless.models.catalogue import build, entry, resized

SIZE = 32
NARROW: dict[str, Any] = {
    "widths": (4, 8, 8, 16),
    "discriminator_widths": (4, 8, 8),
    "latent": 4,
    "search_steps": 3,
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Networks this small run many times faster on one thread of a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def trained() -> Callable[..., Any]:
    """Give every normalisation a mean, spread, scale and shift of its own."""

    def make(name: str, **changes: Any) -> Any:
        settings = entry(name).settings
        known = {field.name for field in fields(settings)}
        narrow = {key: value for key, value in NARROW.items() if key in known}
        method: Any = build(resized(settings, SIZE, **{**narrow, **changes}))
        generator = torch.Generator().manual_seed(3)
        for module in method.modules():
            if isinstance(module, nn.BatchNorm2d):
                for value in (module.running_var, module.weight.data):
                    value.uniform_(0.5, 1.5, generator=generator)
                for value in (module.running_mean, module.bias.data):
                    value.normal_(0, 0.3, generator=generator)
        return method.eval()

    return make


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).random((5, SIZE, SIZE), dtype=np.float32)
