"""Competitors without a network: what they take a slice to be without lesions."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy import ndimage
from torch import Tensor, nn

from lesionless.models.method import Update


@dataclass(frozen=True)
class IntensitySettings:
    """Describe a method that expects nothing: the residual is the intensity itself."""


class Intensity(nn.Module):
    """Expect zero everywhere, so that the brightest tissue is the most anomalous.

    Source: Meissen et al. 2021, "Challenging current semi-supervised anomaly segmentation
    methods for brain MRI".
    """

    def __init__(self, settings: IntensitySettings) -> None:
        super().__init__()
        self.settings = settings

    def updates(self) -> list[Update]:
        """Return nothing to train."""
        return []

    def reconstruct(
        self, x: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch 1 row column"]:
        """Return zeros."""
        return torch.zeros_like(x)


@dataclass(frozen=True)
class LocalContrastSettings:
    """Describe the local tissue mean.

    Attributes:
        size: Rows (= columns) of the slices; 256 stands for pixels of 1 mm.
        sigma_mm: Standard deviation of the Gaussian window.
        tissue_floor: Intensity above which a pixel counts as tissue and not as fluid.
    """

    size: int = 256
    sigma_mm: float = 12.0  # wider than a lesion, narrower than a lobe
    tissue_floor: float = 0.25


class LocalContrast(nn.Module):
    """Expect every pixel to look like the tissue around it."""

    def __init__(self, settings: LocalContrastSettings) -> None:
        super().__init__()
        self.settings = settings

    def updates(self) -> list[Update]:
        """Return nothing to train."""
        return []

    def reconstruct(
        self, x: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch 1 row column"]:
        """Return the Gaussian-weighted mean of the tissue around each pixel."""
        slices = x.detach().cpu().numpy()
        tissue = (slices > self.settings.tissue_floor).astype(slices.dtype)
        sigma = self.settings.sigma_mm * self.settings.size / 256
        window = (0, 0, sigma, sigma)
        weight = ndimage.gaussian_filter(tissue, window)
        total = ndimage.gaussian_filter(slices * tissue, window)
        mean = total / weight.clip(min=1e-3)
        return torch.from_numpy(mean).to(x)
