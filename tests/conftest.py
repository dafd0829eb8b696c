"""Shared by the tests of networks: tiny methods of the catalogue, and one thread for them."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pytest
import torch

from lesionless.models.catalogue import Settings, build, entry, resized

SIZE = 32
NARROW: dict[str, Any] = {
    "widths": (4, 8, 8, 16),
    "discriminator_widths": (4, 8, 8),
    "latent": 6,
    "search_steps": 4,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make golden` write the figures of the golden run anew."""
    parser.addoption("--update-golden", action="store_true", help="store the golden run's figures")


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Networks this small run many times faster on one thread of a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny_settings() -> Callable[..., Settings]:
    def make(name: str, **changes: Any) -> Settings:
        settings = entry(name).settings
        known = {field.name for field in fields(settings)}
        narrow = {key: value for key, value in NARROW.items() if key in known}
        return resized(settings, SIZE, **{**narrow, **changes})

    return make


@pytest.fixture
def tiny(tiny_settings: Callable[..., Settings]) -> Callable[..., Any]:
    def make(name: str, *, seed: int = 0, **changes: Any) -> Any:
        return build(tiny_settings(name, **changes), seed=seed)

    return make
