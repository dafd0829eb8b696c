"""Dis: tells real slices from reconstructed or generated ones."""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from lesionless.models.blocks import LEAK, down, halved


class Discriminator(nn.Module):
    """Map whole slices to one logit each; Dis(x) of the paper is its sigmoid.

    Args:
        widths: Channels after each halving block.
        size: Rows (= columns) of the slices.
        norm: A key of `blocks.NORMS`; the first block has none, as in Radford et al. 2015.

    Source: Baur et al. 2018, Fig. 2; that it sees whole slices is our reading.
    """

    def __init__(self, widths: Sequence[int], *, size: int, norm: str = "batch") -> None:
        super().__init__()
        pairs = pairwise(widths)
        self.blocks = nn.Sequential(
            down(1, widths[0], norm="none"), *(down(a, b, norm=norm) for a, b in pairs)
        )
        features = max(1, widths[-1] // 8)
        self.reduce = nn.Sequential(nn.Conv2d(widths[-1], features, 1), nn.LeakyReLU(LEAK))
        self.to_logit = nn.Linear(features * halved(size, len(widths)) ** 2, 1)

    def forward(self, x: Float[Tensor, "batch 1 row column"]) -> Float[Tensor, " batch"]:
        """Return the logit of "real" for each slice."""
        logit: Tensor = self.to_logit(self.reduce(self.features(x)).flatten(1)).squeeze(1)
        return logit

    def features(
        self, x: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch feature r c"]:
        """Return the last feature maps, which AnoGAN compares."""
        features: Tensor = self.blocks(x)
        return features
