"""A convolution over an enlarged and a finer map, without either being made into one."""

import pytest
import torch
from torch.nn import functional

from lesionless.models.joining import JoiningConv2d
from lesionless.runtime.folding import folded


def by_definition(layer: JoiningConv2d, coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
    """Repeat the pixels of the coarse map, join the two and convolve them."""
    larger = coarse.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    joined = torch.cat([larger, fine], dim=1)
    return functional.conv2d(joined, layer.weight, layer.bias, padding=1)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (5, 4)])
def test_it_is_the_convolution_of_the_joined_maps_to_the_rim(rows, columns):
    torch.manual_seed(0)
    layer = JoiningConv2d(3, 2, 4).double()
    coarse = torch.randn(2, 3, rows, columns, dtype=torch.float64)
    fine = torch.randn(2, 2, 2 * rows, 2 * columns, dtype=torch.float64)
    torch.testing.assert_close(layer((coarse, fine)), by_definition(layer, coarse, fine))


def test_its_weights_learn_the_same():
    torch.manual_seed(0)
    layer = JoiningConv2d(3, 2, 4, bias=False).double()
    coarse = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    fine = torch.randn(2, 2, 8, 10, dtype=torch.float64, requires_grad=True)
    wanted = [coarse, fine, layer.weight]
    found, expected = (
        torch.autograd.grad((made**2).sum(), wanted)
        for made in (layer((coarse, fine)), by_definition(layer, coarse, fine))
    )
    torch.testing.assert_close(found, expected)


def test_normalisation_after_it_folds_away():
    torch.manual_seed(0)
    layer = torch.nn.Sequential(JoiningConv2d(3, 2, 4, bias=False), torch.nn.BatchNorm2d(4)).eval()
    layer[1].running_mean.uniform_(-1, 1)
    layer[1].running_var.uniform_(0.5, 2)
    maps = torch.randn(1, 3, 4, 4), torch.randn(1, 2, 8, 8)
    quick = folded(layer)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in quick)
    torch.testing.assert_close(quick(maps), layer(maps))
