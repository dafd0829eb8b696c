"""Tiny methods whose normalisation has seen slices, as after training."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

SIZE = 32


@pytest.fixture(autouse=True, scope="module")
def always_one_thread(one_thread: None) -> None:
    """Apply to every test of this folder."""


@pytest.fixture
def trained(tiny: Callable[..., Any]) -> Callable[..., Any]:
    """Give every normalisation a mean, spread, scale and shift of its own."""

    def make(name: str, **changes: Any) -> Any:
        method = tiny(name, **changes)
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
