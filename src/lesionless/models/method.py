"""What every method answers: the updates that train it, and a reconstruction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class Losses:
    """Hold what one update computed on one batch.

    Attributes:
        terms: The weighted terms; their sum is minimised.
        watched: Figures that are reported only, such as the discriminator's accuracy.
    """

    terms: Mapping[str, Tensor]
    watched: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def total(self) -> Tensor:
        """Return the sum of the terms."""
        return torch.stack(list(self.terms.values())).sum()


@dataclass(frozen=True)
class Update:
    """Say how one group of parameters is trained on one batch.

    Attributes:
        name: For the loss curves.
        parameters: The only parameters that this update changes.
        learning_rate: Of Adam.
        loss: From a batch of slices (batch, 1, row, column) and a noise generator to losses.
    """

    name: str
    parameters: Sequence[nn.Parameter]
    learning_rate: float
    loss: Callable[[Tensor, torch.Generator], Losses]


class Method(Protocol):
    """Be trained by `updates`, in their order, and rebuild slices without lesions.

    A method may also have a `glance`: as `reconstruct`, for a share of the work.
    """

    def updates(self) -> list[Update]:
        """Return the updates of one batch, in order; empty when there is nothing to train."""
        ...

    def reconstruct(
        self, x: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch 1 row column"]:
        """Return the slices as they would look without lesions; needs no gradient from outside."""
        ...
