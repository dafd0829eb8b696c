"""From a slice to feature maps: one halving block per width."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from lesionless.models.blocks import down


class Encoder(nn.Module):
    """Map slices to feature maps, 2**len(widths) times smaller in rows and columns.

    Args:
        widths: Channels after each block, from the slice to the features.
        channels: Channels of the input; 1 for a single slice.
        norm: A key of `blocks.NORMS`.

    Source: Baur et al. 2018, Fig. 3; widths from Baur et al. 2021.
    """

    def __init__(self, widths: Sequence[int], *, channels: int = 1, norm: str = "batch") -> None:
        super().__init__()
        pairs = zip([channels, *widths[:-1]], widths, strict=True)
        self.blocks = nn.Sequential(*(down(a, b, norm=norm) for a, b in pairs))

    def forward(
        self, x: Float[Tensor, "batch channel row column"]
    ) -> Float[Tensor, "batch feature r c"]:
        """Return the features of slices x."""
        features: Tensor = self.blocks(x)
        return features
