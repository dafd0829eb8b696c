"""A U-Net that takes coarse noise away, and lesions, which look like it."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from lesionless.models.method import Losses, Update
from lesionless.models.unet import UNet
from lesionless.models.window import brain_window


@dataclass(frozen=True)
class DenoisingSettings:
    """Describe a denoising network.

    Attributes:
        size: Rows (= columns) of the slices, which show 256 mm.
        widths: Channels at each level of the U-Net.
        learning_rate: Of Adam.
        noise: Standard deviation of the noise on its grid.
        grid: Rows (= columns) of the grid that the noise is drawn on.
    """

    size: int = 256
    widths: tuple[int, ...] = (32, 64, 96, 128)
    learning_rate: float = 1e-3
    noise: float = 0.2
    grid: int = 16


class Denoising(nn.Module):
    """Rebuild slices from slices with coarse noise; without noise, what stands out is taken away.

    Noise as coarse as lesions cannot be told from them by its texture, so that the network must
    know what brains look like.

    Source: Kascenas et al. 2022, "Denoising autoencoders for unsupervised anomaly detection in
    brain MRI": noise of 0.2 on 16 x 16, upsampled bilinearly, moved at random, and an L2 loss.
    """

    def __init__(self, settings: DenoisingSettings) -> None:
        super().__init__()
        self.settings = settings
        self.network = UNet(settings.widths, maps=1)
        self._inside = brain_window(settings.size, multiple=self.network.multiple)

    def updates(self) -> list[Update]:
        """Return the one update of the network."""
        parameters = list(self.network.parameters())
        return [Update("denoising", parameters, self.settings.learning_rate, self._loss)]

    def reconstruct(
        self, x: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch 1 row column"]:
        """Return the slices as they are rebuilt, 0 outside the brain."""
        rows, columns = self._inside
        x_hat = torch.zeros_like(x)
        seen = x[..., rows, columns]
        x_hat[..., rows, columns] = (self.network(seen) * (seen > 0)).to(x.dtype)
        return x_hat

    def _loss(self, x: Tensor, generator: torch.Generator) -> Losses:
        rows, columns = self._inside
        brain = x > 0
        noisy = torch.where(brain, x + self.noise(x, generator), x)
        rebuilt = self.network(noisy[..., rows, columns])
        off = (rebuilt - x[..., rows, columns]).square() * brain[..., rows, columns]
        return Losses({"reconstruction": off.sum() / brain.sum().clamp(min=1)})

    def noise(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Draw noise that varies over a sixteenth of the slice (see `grid`), anew for each."""
        how, (batch, _, rows, columns) = self.settings, x.shape
        drawn = torch.randn((batch, 1, how.grid, how.grid), generator=generator, device=x.device)
        smooth = functional.interpolate(drawn, size=(rows, columns), mode="bilinear")
        moves = torch.randint(0, rows, (2,), generator=generator, device=x.device).tolist()
        return how.noise * torch.roll(smooth, moves, dims=(2, 3))
