"""The statistics of batch normalisation, measured with the weights that a training ends with."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from lesionless.models.method import Update


def measure_anew(
    method: nn.Module,
    updates: Sequence[Update],
    batches: Iterable[tuple[Tensor, torch.Generator]],
) -> None:
    """Set the running statistics to their mean over batches; weights stay as they are.

    While weights change, the statistics that are used in place of a batch's own lag behind: they
    are a mean over the last ten or so steps, each with other weights. With a learning rate that
    stays high that is enough to make whole reconstructions too dark.

    Args:
        method: A trained method, left in training mode.
        updates: Its updates, whose losses say what passes through which part.
        batches: Slices (batch, 1, row, column) with a source of noise.

    Source: Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm", Sec. 3 (precise BatchNorm).
    """
    layers = [module for module in method.modules() if isinstance(module, _BatchNorm)]
    if not layers:
        return
    method.train()
    with _plain_mean(layers), torch.no_grad():
        for x, noise in batches:
            for update in updates:
                update.loss(x, noise)


@contextmanager
def _plain_mean(layers: Sequence[_BatchNorm]) -> Iterator[None]:
    """Let layers start anew and give each batch the same weight."""
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
