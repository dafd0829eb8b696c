"""AnoGAN: an unconditional GAN whose latent code is searched for each slice."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lesionless.errors import check_choice
from lesionless.models import losses
from lesionless.models.blocks import NORMS, check_mirrors, halved
from lesionless.models.decoder import Decoder
from lesionless.models.discriminator import Discriminator
from lesionless.models.method import Losses, Update
from lesionless.models.precision import reduced


@dataclass(frozen=True)
class AnoGANSettings:
    """Describe an AnoGAN; what the paper leaves open follows Schlegl et al. 2017.

    Attributes:
        latent: Length of the code z.
        size: Rows (= columns) of the slices.
        widths: Channels after each halving block of the discriminator; mirrored in the generator.
        norm: A key of `blocks.NORMS`.
        learning_rate: Of the discriminator.
        generator_learning_rate: Of the generator.
        discriminator_noise: Standard deviation of the noise on what the discriminator sees while
            both train; 0 lets it tell real slices by their empty outside alone.
        search_steps: Gradient steps on z per slice.
        search_learning_rate: Of Adam on z.
        feature_weight: Weight of the discriminator-feature loss; the residual loss has the rest.
        seed: Of the codes that the search starts from.

    Raises:
        UsageError: There is no such norm.
    """

    latent: int = 64
    size: int = 256
    widths: tuple[int, ...] = (32, 64, 128, 128, 128)
    norm: str = "batch"
    learning_rate: float = 1e-4
    generator_learning_rate: float = 1e-3
    discriminator_noise: float = 0.1
    search_steps: int = 100
    search_learning_rate: float = 0.05
    feature_weight: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("norm", self.norm, NORMS)


class Generator(nn.Module):
    """Map a code to a slice: linear, then the decoder that the autoencoders have.

    Source: Schlegl et al. 2017, Sec. 2.1; DCGAN of Radford et al. 2015.
    """

    def __init__(self, settings: AnoGANSettings) -> None:
        super().__init__()
        halvings, features = len(settings.widths), settings.widths[-1]
        check_mirrors(settings.size, halvings)
        rows = halved(settings.size, halvings)
        self.expand = nn.Sequential(
            nn.Linear(settings.latent, features * rows**2), nn.Unflatten(1, (features, rows, rows))
        )
        self.decoder = Decoder(settings.widths, norm=settings.norm, output="sigmoid")

    def forward(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch 1 row column"]:
        """Return the slices generated from z."""
        x_hat: Tensor = self.decoder(self.expand(z))
        return x_hat


class AnoGAN(nn.Module):
    """Rebuild a slice by the code whose generated slice comes closest to it.

    Source: Schlegl et al. 2017, as compared in Baur et al. 2018, Sec. 3.1 and Table 1.
    """

    def __init__(self, settings: AnoGANSettings) -> None:
        super().__init__()
        self.settings = settings
        self.generator = Generator(settings)
        self.discriminator = Discriminator(settings.widths, size=settings.size, norm=settings.norm)

    def updates(self) -> list[Update]:
        """Return the discriminator's update, then the generator's."""
        how = self.settings
        judge, maker = (list(part.parameters()) for part in (self.discriminator, self.generator))
        return [
            Update("discriminator", judge, how.learning_rate, self._discriminator_loss),
            Update("generator", maker, how.generator_learning_rate, self._generator_loss),
        ]

    def sample(
        self, number: int, generator: torch.Generator
    ) -> Float[Tensor, "number 1 row column"]:
        """Return slices generated from codes z ~ N(0, I)."""
        return self.generator(self._codes(number, generator))

    def reconstruct(
        self, x: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch 1 row column"]:
        """Return G(z) for the z found by gradient descent from a seeded start.

        Source: Schlegl et al. 2017, Sec. 2.2; 100 steps from Baur et al. 2018, Sec. 3.1.
        """
        with torch.enable_grad():
            z = self.search(x)
        with torch.no_grad():
            return self.generator(z)

    def search(self, x: Float[Tensor, "batch 1 row column"]) -> Float[Tensor, "batch latent"]:
        """Return the codes that minimise residual and feature loss; the networks are kept.

        The loss is computed with bfloat16 where the device has it; that moves what is found far
        less than another start does.
        """
        start = torch.Generator().manual_seed(self.settings.seed)
        z = self._codes(1, start).repeat(len(x), 1).requires_grad_()
        optimizer = torch.optim.Adam([z], lr=self.settings.search_learning_rate)
        with reduced(x.device.type):
            with torch.no_grad():
                target = self.discriminator.features(x)
            for _ in range(self.settings.search_steps):
                loss = self.search_loss(x, target, z)
                (z.grad,) = torch.autograd.grad(loss, [z])
                optimizer.step()
        return z.detach()

    def search_loss(self, x: Tensor, target: Tensor, z: Tensor) -> Float[Tensor, ""]:
        """Return the weighted residual and feature loss, summed over the batch.

        Source: Schlegl et al. 2017, Eq. 2, 4 and 5.
        """
        x_hat = self.generator(z)
        residual = (x - x_hat).float().abs().flatten(1).mean(1)
        features = (target - self.discriminator.features(x_hat)).float().abs().flatten(1).mean(1)
        weight = self.settings.feature_weight
        return ((1 - weight) * residual + weight * features).sum()

    def _codes(self, number: int, generator: torch.Generator) -> Tensor:
        weight = next(self.generator.parameters())
        shape = (number, self.settings.latent)
        return torch.randn(shape, generator=generator, device=generator.device).to(weight.device)

    def _discriminator_loss(self, x: Tensor, generator: torch.Generator) -> Losses:
        with torch.no_grad():
            x_hat = self.sample(len(x), generator)
        real, fake = (self._judged(image, generator) for image in (x, x_hat))
        terms: Mapping[str, Tensor] = {"discrimination": losses.discrimination(real, fake)}
        return Losses(terms, {"accuracy": losses.accuracy(real, fake)})

    def _generator_loss(self, x: Tensor, generator: torch.Generator) -> Losses:
        x_hat = self.sample(len(x), generator)
        return Losses({"adversarial": losses.adversarial(self._judged(x_hat, generator))})

    def _judged(self, x: Tensor, generator: torch.Generator) -> Float[Tensor, " batch"]:
        """Return the discriminator's logits for slices under noise.

        Source: Arjovsky and Bottou 2017, Sec. 3, for why noise is put on both.
        """
        noise = torch.randn(x.shape, generator=generator, device=generator.device).to(x.device)
        logits: Tensor = self.discriminator(x + self.settings.discriminator_noise * noise)
        return logits
