"""From feature maps back to a slice: the encoder mirrored, then a 1x1 convolution."""

from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor, nn

from lesionless.models.blocks import up

OUTPUTS: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,
    "sigmoid": nn.Sigmoid,
}


class Decoder(nn.Module):
    """Map feature maps to one-channel slices, 2**len(widths) times larger.

    Args:
        widths: The encoder's widths, in the encoder's order.
        norm: A key of `blocks.NORMS`.
        output: A key of `OUTPUTS`: what follows the last convolution.

    Source: Baur et al. 2018, Fig. 3; mirrored transposed convolutions as in Baur et al. 2021.
    """

    def __init__(
        self, widths: Sequence[int], *, norm: str = "batch", output: str = "linear"
    ) -> None:
        super().__init__()
        mirrored = list(reversed(widths))
        pairs = zip(mirrored, [*mirrored[1:], mirrored[-1]], strict=True)
        self.blocks = nn.Sequential(*(up(a, b, norm=norm) for a, b in pairs))
        self.to_slice = nn.Conv2d(mirrored[-1], 1, kernel_size=1)
        self.output = OUTPUTS[output]()

    def forward(
        self, features: Float[Tensor, "batch feature r c"]
    ) -> Float[Tensor, "batch 1 row column"]:
        """Return the slices decoded from features."""
        x_hat: Tensor = self.output(self.to_slice(self.blocks(features)))
        return x_hat
