"""The code z between encoder and decoder: its shape (dense, spatial) and its law (AE, VAE)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

SHAPES = ("dense", "spatial")
LAWS = ("AE", "VAE")


@dataclass(frozen=True)
class Code:
    """Hold the latent code of a batch.

    Attributes:
        z: The code given to the decoder: (batch, latent) or (batch, channel, row, column).
        mean: Mean of q(z|x); equal to z in an AE, and in a VAE outside of training.
        log_variance: Log-variance of q(z|x); None in an AE.
    """

    z: Tensor
    mean: Tensor
    log_variance: Tensor | None


class SpatialShape(nn.Module):
    """Keep the code a map: 1x1 convolutions from the features and back.

    Source: Baur et al. 2018, Sec. 2: z has height, width and channels.
    """

    def __init__(self, features: int, latent: int) -> None:
        super().__init__()
        self.features, self.latent = features, latent
        self.expand = nn.Conv2d(latent, features, kernel_size=1)

    def head(self) -> nn.Module:
        """Return a new module from features to a code."""
        return nn.Conv2d(self.features, self.latent, kernel_size=1)


class DenseShape(nn.Module):
    """Make the code a vector: 1x1 convolution to an eighth of the channels, flatten, linear.

    Source: Baur et al. 2018, Table 1 (z = 512); the reduction to C/8 from Baur et al. 2021.
    """

    def __init__(self, features: int, latent: int, *, size: int) -> None:
        super().__init__()
        self.features, self.latent, self.size = features, latent, size
        self.reduced = features // 8
        self.expand = nn.Sequential(
            nn.Linear(latent, self.reduced * size**2),
            nn.Unflatten(1, (self.reduced, size, size)),
            nn.Conv2d(self.reduced, features, kernel_size=1),
        )

    def head(self) -> nn.Module:
        """Return a new module from features to a code."""
        return nn.Sequential(
            nn.Conv2d(self.features, self.reduced, kernel_size=1),
            nn.Flatten(),
            nn.Linear(self.reduced * self.size**2, self.latent),
        )


class Bottleneck(nn.Module):
    """Turn features into a code and a code into features.

    Args:
        shape: Says what a code looks like.
        law: "AE": z is regressed. "VAE": z is drawn from a normal distribution while training
            and is its mean otherwise (see docs/paper.md#z-at-test).

    Source: Baur et al. 2018, Eq. 1 and "Distinction from Other Autoencoding Models".
    """

    def __init__(self, shape: SpatialShape | DenseShape, *, law: str) -> None:
        super().__init__()
        self.shape = shape
        self.mean = shape.head()
        self.log_variance = shape.head() if law == "VAE" else None

    def forward(
        self, features: Float[Tensor, "batch feature r c"], generator: torch.Generator | None = None
    ) -> Code:
        """Return the code of features; `generator` draws the noise of a VAE in training."""
        mean = self.mean(features)
        if self.log_variance is None:
            return Code(z=mean, mean=mean, log_variance=None)
        log_variance = self.log_variance(features)
        z = sample(mean, log_variance, generator) if self.training else mean
        return Code(z=z, mean=mean, log_variance=log_variance)

    def expand(self, z: Tensor) -> Float[Tensor, "batch feature r c"]:
        """Return the features that the decoder starts from."""
        features: Tensor = self.shape.expand(z)
        return features


def sample(mean: Tensor, log_variance: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw z = mean + sigma * noise, noise ~ N(0, I).

    Source: Kingma and Welling 2013, Sec. 2.4, the reparameterisation trick.
    """
    noise = torch.empty_like(mean).normal_(generator=generator)
    return mean + torch.exp(0.5 * log_variance) * noise
