"""Convolution over a coarse map, enlarged, and a finer one, without enlarging or joining them."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

# A pixel of the enlarged map sees two pixels of the coarse map along each axis: which of the three
# weights of a row fall on the same one. Rows: the weights of a transposed convolution.
_MERGED = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))


class JoiningConv2d(nn.Conv2d):
    """Convolve a coarse map, each pixel of it repeated 2 x 2, joined with a finer map, by 3 x 3.

    The same as `interpolate`, `cat` and `Conv2d`, but for rounding: where the pixels of a coarse
    map are repeated, weights that fall on the same pixel are added up before, and 4 products do
    instead of 9 (a transposed convolution of 4 x 4, stride 2). The finer map has its own part of
    the weights. Weights are those of a `Conv2d` over all channels, the coarse ones first.

    Args:
        coarse: Channels of the coarse map.
        fine: Channels of the finer map.
        out: Channels of the result.
        bias: Whether there is a bias.

    Source: Aitken et al. 2017 (arXiv:1707.02937), convolution of nearest-neighbour enlargements.
    """

    def __init__(self, coarse: int, fine: int, out: int, *, bias: bool = True) -> None:
        super().__init__(coarse + fine, out, kernel_size=3, padding=1, bias=bias)
        self._coarse = coarse

    def forward(  # type: ignore[override]  # two maps instead of one
        self,
        maps: tuple[
            Float[Tensor, "batch coarse row column"], Float[Tensor, "batch fine row2 column2"]
        ],
    ) -> Float[Tensor, "batch out row2 column2"]:
        """Return the map of the finer one's size, which has twice the rows and columns."""
        coarse, fine = maps
        merged = self.weight.new_tensor(_MERGED)
        of_coarse, of_fine = self.weight[:, : self._coarse], self.weight[:, self._coarse :]
        kernel = torch.einsum("ka,lb,ocab->cokl", merged, merged, of_coarse)
        enlarged = functional.conv_transpose2d(coarse, kernel, stride=2, padding=1)
        beside: Tensor = functional.conv2d(fine, of_fine, self.bias, padding=1)
        return beside + enlarged
