"""How long work tells what it is doing, without knowing who shows it."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Pass items through while showing how many of how many are done."""

    def __call__(self, items: Iterable[T], *, label: str, total: int) -> Iterator[T]:
        """Yield the items in their order."""
        ...


def silent(items: Iterable[T], *, label: str, total: int) -> Iterator[T]:
    """Pass items through and show nothing."""
    yield from items
