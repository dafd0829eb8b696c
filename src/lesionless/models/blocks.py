"""The convolution blocks that encoder, decoder and discriminator are made of."""

from collections.abc import Callable

from torch import nn

KERNEL = 5  # Larsen et al. 2015: 5x5 convolutions
LEAK = 0.2  # not given in the paper; see docs/paper.md#activations

NORMS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    "none": lambda channels: nn.Identity(),
}


def down(channels_in: int, channels_out: int, *, norm: str) -> nn.Sequential:
    """Build a block that halves rows and columns: strided convolution, normalisation, LeakyReLU.

    Source: Larsen et al. 2015, Table 1, as the basis of Baur et al. 2018, "Implementation".
    """
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, KERNEL, stride=2, padding=KERNEL // 2),
        NORMS[norm](channels_out),
        nn.LeakyReLU(LEAK),
    )


def up(channels_in: int, channels_out: int, *, norm: str) -> nn.Sequential:
    """Build a block that doubles rows and columns: transposed convolution, norm, LeakyReLU."""
    return nn.Sequential(
        nn.ConvTranspose2d(
            channels_in, channels_out, KERNEL, stride=2, padding=KERNEL // 2, output_padding=1
        ),
        NORMS[norm](channels_out),
        nn.LeakyReLU(LEAK),
    )
