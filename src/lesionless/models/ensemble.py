"""Several trained networks as one: the mean of what they rebuild."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lesionless.errors import UsageError
from lesionless.models.method import Update


@dataclass(frozen=True)
class Member:
    """Name one network of an ensemble.

    Attributes:
        name: Its name in the catalogue.
        settings: What it is made of.
    """

    name: str
    settings: Any


@dataclass(frozen=True)
class EnsembleSettings:
    """Describe an ensemble.

    Attributes:
        members: Its networks, in the order of their weights.
    """

    members: tuple[Member, ...]


class Ensemble(nn.Module):
    """Rebuild slices as the mean of the members' reconstructions.

    Networks that differ in their seed alone err at different places, so that their mean has fewer
    false positives than each. They are first trained one by one, and can be trained on together.

    Raises:
        UsageError: A member searches a code for each slice, or there is none.
    """

    def __init__(self, settings: EnsembleSettings, members: Sequence[Any]) -> None:
        super().__init__()
        if not members or any(hasattr(member, "search") for member in members):
            raise UsageError(
                "Expected one or more networks that rebuild slices in one pass, found none or one "
                "that searches a code (AnoGAN). Give other models."
            )
        self.settings = settings
        self.members = nn.ModuleList(members)

    @property
    def reduced_precision(self) -> bool:
        """Say whether every member bears bfloat16."""
        return all(getattr(member, "reduced_precision", False) for member in self.members)

    def updates(self) -> list[Update]:
        """Return every member's updates, so that all are trained on, each with its own noise."""
        members: list[Any] = list(self.members)
        return [
            replace(update, name=f"{number}.{update.name}")
            for number, member in enumerate(members)
            for update in member.updates()
        ]

    def reconstruct(
        self, x: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch 1 row column"]:
        """Return the mean of the members' reconstructions.

        Members that take several looks take one each, by turns: the first its first, the second
        its second, and so on. Other networks err at other places as much as other looks do.
        """
        members: list[Any] = list(self.members)
        made = [
            member.look(x, number) if hasattr(member, "look") else member.reconstruct(x)
            for number, member in enumerate(members)
        ]
        return torch.stack(made).mean(dim=0)

    def glance(self, x: Float[Tensor, "batch 1 row column"]) -> Float[Tensor, "batch 1 row column"]:
        """Return what the first member makes of the slices, at a glance if it has one."""
        first: Any = self.members[0]
        rebuilt: Tensor = getattr(first, "glance", first.reconstruct)(x)
        return rebuilt
