"""The folded copy is the same function without normalisation, and the method stays as it is."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from lesionless.models.blocks import down, up
from lesionless.models.catalogue import CATALOGUE
from lesionless.runtime.folding import folded

NETWORKS = [name for name in CATALOGUE if "AE" in name or "GAN" in name]


def kinds(method, kind):
    return [module for module in method.modules() if isinstance(module, kind)]


@pytest.mark.parametrize("block", [down, up])
def test_a_block_by_hand(block):
    """Scale each filter by weight / deviation; the shift takes in the mean."""
    torch.manual_seed(0)
    part = block(3, 4, norm="batch").eval()
    norm = part[1]
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    norm.weight.data.uniform_(0.5, 2)
    norm.bias.data.uniform_(-1, 1)
    convolution = folded(part)[0]
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    along = (-1, 1, 1, 1) if block is down else (1, -1, 1, 1)
    torch.testing.assert_close(convolution.weight, part[0].weight * scale.reshape(along))
    shift = norm.bias - norm.running_mean * scale
    torch.testing.assert_close(convolution.bias, shift)


@pytest.mark.parametrize("name", NETWORKS)
def test_reconstructions_differ_by_rounding_alone(name, trained, image):
    method = trained(name)
    x = torch.from_numpy(image).unsqueeze(1)
    expected, found = method.reconstruct(x), folded(method).reconstruct(x)
    assert expected.std() > 1e-3
    far = ~torch.isclose(found, expected, rtol=1e-4, atol=1e-5)
    allowed = 0.01 if name == "sVAE-MAP" else 0  # a search along signs of gradients
    assert far.float().mean() <= allowed


@pytest.mark.parametrize("name", NETWORKS)
def test_no_batch_normalisation_is_left(name, trained):
    method = trained(name)
    assert kinds(method, nn.BatchNorm2d)
    assert not kinds(folded(method), nn.BatchNorm2d)


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_other_normalisation_stays(norm, trained, image):
    method = trained("sAE3", norm=norm, widths=(4, 8, 8), halvings=3)
    x = torch.from_numpy(image).unsqueeze(1)
    quick = folded(method)
    torch.testing.assert_close(quick.reconstruct(x), method.reconstruct(x), rtol=0, atol=0)
    assert len(kinds(quick, nn.InstanceNorm2d)) == len(kinds(method, nn.InstanceNorm2d))


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_method_is_left_as_it_is(name, trained, image):
    method = trained(name).train()
    before = copy.deepcopy(method.state_dict())
    x = torch.from_numpy(image).unsqueeze(1)
    quick = folded(method)
    quick.reconstruct(x)
    assert method.training
    assert not quick.training
    after = method.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert not any(module.inplace for module in kinds(method, nn.LeakyReLU))
    np.testing.assert_array_equal(x.squeeze(1).numpy(), image)


def test_an_activation_of_the_block_s_input_leaves_it():
    """In place is only what a convolution of the same block has returned."""
    torch.manual_seed(0)
    block = nn.Sequential(nn.Identity(), nn.LeakyReLU(), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 1))
    x = torch.randn(1, 2, 4, 4)
    before = x.clone()
    torch.testing.assert_close(folded(block)(x), block.eval()(x))
    assert torch.equal(x, before)
    assert kinds(folded(block), nn.BatchNorm2d)  # it comes before a convolution, not after
