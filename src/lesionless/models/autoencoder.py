"""The seven autoencoders of the paper: one network, told apart by its settings."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lesionless.errors import check_choice
from lesionless.models import losses
from lesionless.models.blocks import NORMS, check_mirrors, halved
from lesionless.models.bottleneck import LAWS, SHAPES, Bottleneck, Code, DenseShape, SpatialShape
from lesionless.models.cutout import cut_out
from lesionless.models.decoder import OUTPUTS, Decoder
from lesionless.models.discriminator import Discriminator
from lesionless.models.encoder import Encoder
from lesionless.models.method import Losses, Update


@dataclass(frozen=True)
class AutoencoderSettings:
    """Describe an autoencoder; docs/paper.md gives the reason of each default.

    Attributes:
        shape: "dense" or "spatial": what the code looks like.
        law: "AE" (deterministic z) or "VAE" (z drawn from a normal distribution).
        adversarial: Whether a discriminator judges the reconstruction.
        latent: Length of a dense code, channels of a spatial one.
        halvings: How often encoder blocks halve the slice; 4 lead from 256 to 16 rows.
        size: Rows (= columns) of the slices.
        widths: Channels after each halving block; repeated at the end if more are needed.
        discriminator_widths: The same for the discriminator.
        norm: A key of `blocks.NORMS`.
        output: A key of `decoder.OUTPUTS`.
        lambda_reconstruction: Weight of the first term of Eq. 2.
        lambda_prior: Weight of the second term of Eq. 2.
        lambda_adversarial: Weight of the third term of Eq. 2.
        learning_rate: Of encoder and decoder.
        adversarial_learning_rate: Of the discriminator.
        cutouts: Squares cut out of each slice that the encoder sees while it trains; with some it
            is a context autoencoder, which rebuilds whole slices from slices with gaps.

    Raises:
        UsageError: There is no such shape, law, norm or output.
    """

    shape: str
    law: str
    adversarial: bool = False
    latent: int = 64
    halvings: int = 4
    size: int = 256
    widths: tuple[int, ...] = (32, 64, 128, 128)
    discriminator_widths: tuple[int, ...] = (32, 64, 128, 128, 128)
    norm: str = "batch"
    output: str = "linear"
    lambda_reconstruction: float = 1.0
    lambda_prior: float = 1.0
    lambda_adversarial: float = 50.0
    learning_rate: float = 1e-3
    adversarial_learning_rate: float = 1e-4
    cutouts: int = 0

    def __post_init__(self) -> None:
        check_choice("shape", self.shape, SHAPES)
        check_choice("law", self.law, LAWS)
        check_choice("norm", self.norm, NORMS)
        check_choice("output", self.output, OUTPUTS)


class Autoencoder(nn.Module):
    """Rebuild slices through a code that holds normal anatomy only.

    Source: Baur et al. 2018, Eq. 1 to 3, Fig. 2 and 3.
    """

    def __init__(self, settings: AutoencoderSettings) -> None:
        super().__init__()
        self.settings = settings
        widths = _widths(settings)
        self.encoder = Encoder(widths, norm=settings.norm)
        self.bottleneck = Bottleneck(_shape(settings, widths[-1]), law=settings.law)
        self.decoder = Decoder(widths, norm=settings.norm, output=settings.output)
        self.discriminator = (
            Discriminator(settings.discriminator_widths, size=settings.size, norm=settings.norm)
            if settings.adversarial
            else None
        )

    def encode(self, x: Tensor, generator: torch.Generator | None = None) -> Code:
        """Return z ~ Enc(x)."""
        code: Code = self.bottleneck(self.encoder(x), generator)
        return code

    def decode(self, z: Tensor) -> Float[Tensor, "batch 1 row column"]:
        """Return x_hat = Dec(z)."""
        x_hat: Tensor = self.decoder(self.bottleneck.expand(z))
        return x_hat

    def reconstruct(
        self, x: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch 1 row column"]:
        """Return x_hat; outside of training z is the mean of q(z|x)."""
        return self.decode(self.encode(x).z)

    def updates(self) -> list[Update]:
        """Return the discriminator's update, if there is one, then the encoder-decoder's.

        Source: Baur et al. 2018, "Training": per batch first the discriminator.
        """
        mine = chain(
            self.encoder.parameters(), self.bottleneck.parameters(), self.decoder.parameters()
        )
        rebuild = Update(
            "autoencoder", list(mine), self.settings.learning_rate, self._autoencoder_loss
        )
        if self.discriminator is None:
            return [rebuild]
        judge = Update(
            "discriminator",
            list(self.discriminator.parameters()),
            self.settings.adversarial_learning_rate,
            self._discriminator_loss,
        )
        return [judge, rebuild]

    def _autoencoder_loss(self, x: Tensor, generator: torch.Generator) -> Losses:
        """Compute Eq. 2."""
        code = self.encode(self._seen(x, generator), generator)
        x_hat = self.decode(code.z)
        terms = self.bound(x, code, x_hat)
        if self.discriminator is not None:
            fooled = losses.adversarial(self.discriminator(x_hat))
            terms["adversarial"] = self.settings.lambda_adversarial * fooled
        return Losses(terms)

    def bound(self, x: Tensor, code: Code, x_hat: Tensor) -> dict[str, Tensor]:
        """Return the first two terms of Eq. 2, weighted: minus the evidence lower bound."""
        terms = {
            "reconstruction": self.settings.lambda_reconstruction * losses.reconstruction(x, x_hat)
        }
        if code.log_variance is not None:
            kl = losses.prior(code.mean, code.log_variance)
            terms["prior"] = self.settings.lambda_prior * kl
        return terms

    def _seen(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Return what the encoder sees of slices in training."""
        if not self.settings.cutouts:
            return x
        return cut_out(x, generator, squares=self.settings.cutouts)

    def _discriminator_loss(self, x: Tensor, generator: torch.Generator) -> Losses:
        """Compute Eq. 3."""
        assert self.discriminator is not None
        with torch.no_grad():
            x_hat = self.decode(self.encode(self._seen(x, generator), generator).z)
        real, fake = self.discriminator(x), self.discriminator(x_hat)
        return Losses(
            {"discrimination": losses.discrimination(real, fake)},
            {"accuracy": losses.accuracy(real, fake)},
        )


def _widths(settings: AutoencoderSettings) -> list[int]:
    """Return one width per halving from the slice to the code."""
    check_mirrors(settings.size, settings.halvings)
    longer = list(settings.widths) + [settings.widths[-1]] * settings.halvings
    return longer[: settings.halvings]


def _shape(settings: AutoencoderSettings, features: int) -> SpatialShape | DenseShape:
    if settings.shape == "spatial":
        return SpatialShape(features, settings.latent)
    return DenseShape(features, settings.latent, size=halved(settings.size, settings.halvings))


def count_parameters(modules: Iterable[nn.Module]) -> int:
    """Return the number of trainable values in modules."""
    return sum(p.numel() for module in modules for p in module.parameters() if p.requires_grad)
