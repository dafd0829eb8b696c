"""A small U-Net that works at half resolution: four pixels become channels of one."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from lesionless.models.joining import JoiningConv2d

FOLD = 2  # pixels along each axis that become channels: 3x3 layers at full size are dear on CPUs
LEAK = 0.1


class UNet(nn.Module):
    """Map slices to maps of the same size, by what is seen, where, and on the other side.

    Beside the slice it sees its mirror image, since brains are nearly symmetric, and the place in
    the slice, since slices lie in atlas space.

    Args:
        widths: Channels at each level, from fine to coarse; each level halves rows and columns.
        maps: Number of maps.

    Source: Ronneberger et al. 2015; pixels folded into channels as in Shi et al. 2016.
    """

    def __init__(self, widths: Sequence[int], *, maps: int) -> None:
        super().__init__()
        seen = 2 * FOLD**2 + 2
        self.down = nn.ModuleList(
            _twice(_convolution(a, b), b) for a, b in pairwise([seen, *widths])
        )
        coarse_first = list(reversed(widths))
        self.up = nn.ModuleList(
            _twice(JoiningConv2d(a, b, b, bias=False), b) for a, b in pairwise(coarse_first)
        )
        self.to_maps = nn.Conv2d(widths[0], maps * FOLD**2, kernel_size=1)

    def forward(
        self, x: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch map row column"]:
        """Return the maps; rows and columns must be multiples of `multiple`."""
        features, levels = _seen(x), []
        for level, block in enumerate(self.down):
            features = block(functional.max_pool2d(features, 2) if level else features)
            levels.append(features)
        for block, finer in zip(self.up, levels[-2::-1], strict=True):
            features = block((features, finer))
        maps: Tensor = functional.pixel_shuffle(self.to_maps(features).float(), FOLD)
        return maps

    @property
    def multiple(self) -> int:
        """Return what rows and columns must be a multiple of."""
        return int(FOLD * 2 ** (len(self.down) - 1))


def _twice(first: nn.Conv2d, channels: int) -> nn.Sequential:
    return nn.Sequential(*_layer(first), *_layer(_convolution(channels, channels)))


def _layer(convolution: nn.Conv2d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.LeakyReLU(LEAK)]


def _convolution(channels_in: int, channels_out: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=False)


def _seen(x: Tensor) -> Tensor:
    """Stack the slice, its mirror image, the row and the distance from the midline."""
    planes = [functional.pixel_unshuffle(x, FOLD), functional.pixel_unshuffle(x.flip(-1), FOLD)]
    batch, _, rows, columns = planes[0].shape
    row = torch.linspace(-1, 1, rows, device=x.device).view(1, 1, rows, 1)
    aside = torch.linspace(-1, 1, columns, device=x.device).abs().view(1, 1, 1, columns)
    places = [place.expand(batch, 1, rows, columns).to(x.dtype) for place in (row, aside)]
    return torch.cat([*planes, *places], dim=1).contiguous(memory_format=torch.channels_last)
