"""Normalisation folded into the convolutions before it: the same function in fewer passes."""

import copy
from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def folded(method: Any) -> Any:
    """Return a copy of a method in evaluation mode, with batch normalisation folded away.

    In evaluation batch normalisation is a fixed scale and shift per channel, which the weights of
    the convolution before it take up; results differ by rounding alone. The method is left as it
    is. Normalisation of other kinds stays.
    """
    quick = copy.deepcopy(method).eval()
    for block in quick.modules():
        if isinstance(block, nn.Sequential):
            _fold(block)
    return quick


def _fold(block: nn.Sequential) -> None:
    """Fold normalisation that follows a convolution; let the activation after it work in place."""
    at_convolution = None  # nothing but the next layer reads what this convolution returns
    for at, layer in enumerate(list(block)):
        if isinstance(layer, _CONVOLUTIONS):
            at_convolution = at
        elif isinstance(layer, nn.BatchNorm2d) and at_convolution is not None:
            block[at_convolution] = _fused(block[at_convolution], layer)
            block[at] = nn.Identity()
        elif not isinstance(layer, nn.Identity):
            if isinstance(layer, nn.LeakyReLU) and at_convolution is not None:
                layer.inplace = True
            at_convolution = None


def _fused(convolution: Any, norm: nn.BatchNorm2d) -> Any:
    transpose = isinstance(convolution, nn.ConvTranspose2d)
    return fuse_conv_bn_eval(convolution, norm, transpose=transpose)
