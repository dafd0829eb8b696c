"""The convolution blocks that encoder, decoder and discriminator are made of."""

from collections.abc import Callable

from torch import nn

from lesionless.errors import UsageError

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
        nn.Conv2d(
            channels_in,
            channels_out,
            KERNEL,
            stride=2,
            padding=KERNEL // 2,
            bias=norm == "none",  # normalisation takes every shift away again
        ),
        NORMS[norm](channels_out),
        nn.LeakyReLU(LEAK),
    )


def up(channels_in: int, channels_out: int, *, norm: str) -> nn.Sequential:
    """Build a block that doubles rows and columns: transposed convolution, norm, LeakyReLU."""
    return nn.Sequential(
        nn.ConvTranspose2d(
            channels_in,
            channels_out,
            KERNEL,
            stride=2,
            padding=KERNEL // 2,
            output_padding=1,
            bias=norm == "none",
        ),
        NORMS[norm](channels_out),
        nn.LeakyReLU(LEAK),
    )


def halved(size: int, times: int) -> int:
    """Return the rows that `times` halving blocks leave of `size` rows, rounded up.

    >>> halved(256, 4), halved(240, 5)
    (16, 8)
    """
    return -(-size // 2**times)


def check_mirrors(size: int, times: int) -> None:
    """Stop unless `times` halving blocks and as many doubling ones lead back to `size` rows.

    Raises:
        UsageError: `size` is not a multiple of 2**times.
    """
    if size % 2**times:
        raise UsageError(
            f"Expected slices divisible by {2**times}, found {size} rows. "
            "Prepare with another matrix or choose a model with fewer halvings."
        )
