"""Restoration by gradients: change a slice until a trained VAE finds it likely."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lesionless.models.autoencoder import Autoencoder, AutoencoderSettings


@dataclass(frozen=True)
class MapRestorationSettings(AutoencoderSettings):
    """Describe a restoration by gradients; what trains is the autoencoder of the other fields.

    Attributes:
        search_steps: Gradient steps on each slice.
        search_learning_rate: Of Adam on the slice, whose values are in [0, 1].
        lambda_variation: Weight of the total variation of the change; a larger one keeps the
            slice closer to what was scanned.
    """

    search_steps: int = 25
    search_learning_rate: float = 0.04
    lambda_variation: float = 1.0


class MapRestoration(Autoencoder):
    """Rebuild a slice as the likely slice that is nearest to it (maximum a posteriori).

    Source: Chen, You, Tezcan, Konukoglu 2020, "Unsupervised lesion detection via image
    restoration with a normative prior", Eq. 8: the evidence lower bound of the VAE stands for the
    prior, the total variation of the change for the likelihood. Adam instead of plain steps, and
    the l1 distance of Eq. 2 of Baur et al. 2018 as the reconstruction term, are ours.
    """

    settings: MapRestorationSettings

    def reconstruct(
        self, x: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch 1 row column"]:
        """Return the restored slices, 0 outside the brain."""
        with torch.inference_mode(False), torch.enable_grad():
            return self.search(x.clone())  # tensors of inference mode have no gradients

    def search(self, x: Float[Tensor, "batch 1 row column"]) -> Float[Tensor, "batch 1 row column"]:
        """Return the slices that minimise the objective; the network is kept.

        Its gradients are signs, so that rounding may turn the path of a few pixels.
        """
        brain = x > 0
        restored = x.detach().clone().requires_grad_()
        optimizer = torch.optim.Adam([restored], lr=self.settings.search_learning_rate)
        for _ in range(self.settings.search_steps):
            (gradient,) = torch.autograd.grad(self.objective(x, restored), [restored])
            restored.grad = gradient * brain
            optimizer.step()
        return restored.detach().clamp(0, 1)

    def objective(self, x: Tensor, restored: Tensor) -> Float[Tensor, ""]:
        """Return minus the lower bound, plus the weighted variation; summed over the batch."""
        code = self.encode(restored)
        bound = torch.stack([*self.bound(restored, code, self.decode(code.z)).values()]).sum()
        return len(x) * (bound + self.settings.lambda_variation * _variation(restored - x))


def _variation(change: Tensor) -> Float[Tensor, ""]:
    """Return the total variation along rows and columns: the sum over pixels, the batch's mean."""
    steps = [change.diff(dim=dim).abs().flatten(1).sum(1) for dim in (2, 3)]
    return (steps[0] + steps[1]).mean()
