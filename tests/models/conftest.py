"""Every method of the catalogue, made tiny."""

import pytest
import torch

SIZE = 32


@pytest.fixture(autouse=True, scope="module")
def always_one_thread(one_thread: None) -> None:
    """Apply to every test of this folder."""


@pytest.fixture
def x() -> torch.Tensor:
    return torch.rand(4, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(7))
