"""Architectures read off the models, for every network of the catalogue."""

import pytest
import torch

from lesionless.errors import UsageError
from lesionless.models.autoencoder import AutoencoderSettings
from lesionless.models.catalogue import CATALOGUE, build, resized
from lesionless.report.architecture import has_code, read_architecture
from lesionless.report.architecture_figure import architecture_figure

SIZE = 64
METHODS = {
    name: build(resized(entry.settings, SIZE))
    for name, entry in CATALOGUE.items()
    if hasattr(entry.settings, "size")
}
NETWORKS = {name: method for name, method in METHODS.items() if has_code(method)}
AUTOENCODERS = {
    name: method
    for name, method in NETWORKS.items()
    if isinstance(method.settings, AutoencoderSettings)
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_model_is_left_as_it_is(name):
    method = NETWORKS[name].train()
    before = {key: value.clone() for key, value in method.state_dict().items()}
    read_architecture(method)
    assert method.training
    assert {p.device.type for p in method.parameters()} == {"cpu"}
    assert not any(module._forward_hooks for module in method.modules())
    assert all(torch.equal(before[key], value) for key, value in method.state_dict().items())


@pytest.mark.parametrize("name", NETWORKS)
def test_all_weights_are_counted_and_the_output_is_a_slice(name):
    method = NETWORKS[name]
    read = read_architecture(method)
    total = sum(p.numel() for p in method.parameters() if p.requires_grad)
    assert sum(read.n_parameters.values()) == total
    slices = [block for block in read.blocks if block.shape == (1, SIZE, SIZE)]
    assert [block.name for block in slices] == ["to_slice"]


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_code_law_and_discriminator_are_those_of_the_settings(name):
    method, settings = AUTOENCODERS[name], AUTOENCODERS[name].settings
    read = read_architecture(method)
    code = method.eval().encode(torch.zeros(1, 1, SIZE, SIZE)).z
    assert read.code == tuple(code.shape[1:])
    assert read.start == (1, SIZE, SIZE)
    assert ("dense" in read.kind) == (settings.shape == "dense")
    assert read.is_variational == (settings.law == "VAE")
    assert ("discriminator" in read.n_parameters) == settings.adversarial
    assert (read.blocks[-1].part == "discriminator") == settings.adversarial


def test_the_two_heads_of_a_vae_are_given_the_same():
    parallel = {
        name: [block.name for block in read_architecture(method).blocks if block.is_parallel]
        for name, method in AUTOENCODERS.items()
    }
    assert parallel["sVAE"] == parallel["dVAE"] == ["log_variance"]
    assert parallel["sAE3"] == []


def test_a_generator_starts_from_its_code():
    read = read_architecture(NETWORKS["AnoGAN"])
    assert read.start == read.code == (64,)
    assert read.blocks[-1].shape == (1,)


def test_operations_name_kernel_and_stride():
    blocks = read_architecture(NETWORKS["dAE"]).blocks
    assert blocks[0].operations == "conv 5x5 /2"
    assert blocks[-2].operations == "conv 5x5 x2"
    assert [b.operations for b in blocks if b.part == "bottleneck"] == [
        "conv 1x1, linear",
        "linear, conv 1x1",
    ]


def test_the_figure_has_a_row_per_network_with_a_box_per_block():
    axes = architecture_figure(METHODS).axes
    assert [cell.get_title("left").split(":")[0] for cell in axes] == list(NETWORKS)
    for cell, method in zip(axes, NETWORKS.values(), strict=True):
        read = read_architecture(method)
        slices_and_code = 2 if read.start == read.code else 3  # z and x_hat, or x, z and x_hat
        assert len(cell.patches) == len(read.blocks) + slices_and_code


@pytest.mark.parametrize("name", ["local-contrast", "restoration"])
def test_methods_without_a_code_alone_are_refused(name):
    with pytest.raises(UsageError, match="code"):
        architecture_figure({name: METHODS[name]})
