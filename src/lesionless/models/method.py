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

    What else some methods have, each asked for where it is used:

    - `glance(x)`: as `reconstruct`, for a share of the work.
    - `look(x, number)`: as `reconstruct`, by one of several looks alone.
    - `search(...)`: a code, or the slice itself, is searched for each slice. Such a method takes
      gradients when it rebuilds, takes seconds per slice, and is no graph that can be exported.
    - `sample(number, generator)`: draws slices.
    - `members`: the networks of an ensemble.
    - `findings`: what was found in patients, to learn from too.
    - `reduced_precision`: whether it bears bfloat16 when it rebuilds; without it, it does not.
    - `bottleneck`, `discriminator`: parts that are drawn.
    """

    def updates(self) -> list[Update]:
        """Return the updates of one batch, in order; empty when there is nothing to train."""
        ...

    def reconstruct(
        self, x: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch 1 row column"]:
        """Return the slices as they would look without lesions; needs no gradient from outside."""
        ...
