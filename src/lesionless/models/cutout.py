"""Squares cut out of slices: what a context autoencoder has to fill in."""

import torch
from jaxtyping import Float
from torch import Tensor

SIDES = (1 / 16, 1 / 4)  # of the rows of a slice


def cut_out(
    x: Float[Tensor, "batch 1 row column"], generator: torch.Generator, *, squares: int
) -> Float[Tensor, "batch 1 row column"]:
    """Return slices in which some squares are 0, each at a place and of a side of its own.

    Squares lie anywhere in the slice and may overlap. Sides are drawn evenly between `SIDES`.

    Source: Pathak et al. 2016, Sec. 3.3 ("random block"); of brains in Zimmerer et al. 2018.
    """
    rows = x.shape[-1]
    device = x.device
    places = torch.arange(rows, device=device)
    whole = torch.ones_like(x, dtype=torch.bool)
    for _ in range(squares):
        side = SIDES[0] + (SIDES[1] - SIDES[0]) * _drawn(len(x), generator)
        row, column = (_drawn(len(x), generator) for _ in range(2))
        inside = [(places / rows - place).abs() <= side / 2 for place in (row, column)]
        whole &= ~(inside[0].view(-1, 1, rows, 1) & inside[1].view(-1, 1, 1, rows))
    return x * whole


def _drawn(number: int, generator: torch.Generator) -> Float[Tensor, "batch 1"]:
    return torch.rand((number, 1), generator=generator, device=generator.device)
