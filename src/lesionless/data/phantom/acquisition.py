"""The scanner: slices and their thickness, blur, bias field, noise."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from lesionless.arrays import Affine, Volume
from lesionless.data.phantom.deformation import Range
from lesionless.data.phantom.smooth_field import random_field

SUBSLICE_MM = 1.0
"""Largest distance of the samples that a thick slice averages."""


@dataclass(frozen=True)
class Acquisition:
    """Say how scans are taken; ranges are uniform, one draw per scan.

    Attributes:
        matrix: Number of voxels along both in-plane axes.
        in_plane_mm: Voxel size in plane.
        thickness_mm: Slice thickness, which is also the distance of the slices.
        blur_mm: Spread of the in-plane point spread function.
        bias: Spread of the logarithm of the bias field.
        noise: Spread of the noise in each channel, relative to white matter.
        gain: Scanner units of white matter.
    """

    matrix: int = 256
    in_plane_mm: Range = (0.9, 1.0)
    thickness_mm: Range = (1.0, 6.0)
    blur_mm: Range = (0.3, 0.7)
    bias: Range = (0.02, 0.08)
    noise: Range = (0.015, 0.05)
    gain: Range = (150.0, 900.0)


@dataclass(frozen=True, eq=False)
class Grid:
    """Place the slices of one scan, array axes along right, anterior, superior.

    Attributes:
        matrix: Number of voxels along both in-plane axes.
        in_plane_mm: Voxel size in plane.
        thickness_mm: Slice thickness.
        n_slices: Number of slices.
        bottom_mm: Height of the lower face of the lowest slice.
    """

    matrix: int
    in_plane_mm: float
    thickness_mm: float
    n_slices: int
    bottom_mm: float

    @property
    def n_subslices(self) -> int:
        """Return how many samples across its thickness a slice averages."""
        return int(np.ceil(self.thickness_mm / SUBSLICE_MM - 1e-6))

    @property
    def spacing_mm(self) -> Float[np.ndarray, "3"]:
        """Return the distance of the samples before averaging."""
        across = self.thickness_mm / self.n_subslices
        return np.array([self.in_plane_mm, self.in_plane_mm, across])

    @property
    def voxel_ml(self) -> float:
        """Return the volume of a voxel of the scan."""
        return self.in_plane_mm**2 * self.thickness_mm / 1000

    @property
    def affine(self) -> Affine:
        """Return the map from voxel index to scanner mm."""
        affine = np.diag([self.in_plane_mm, self.in_plane_mm, self.thickness_mm, 1.0])
        affine[:2, 3] = -self.in_plane_mm * (self.matrix - 1) / 2
        affine[2, 3] = self.bottom_mm + self.thickness_mm / 2
        return affine

    def sample_axes(self) -> tuple[Float[np.ndarray, " n"], ...]:
        """Return the coordinates in mm of the samples before averaging, along each axis."""
        in_plane = self.in_plane_mm * (np.arange(self.matrix) - (self.matrix - 1) / 2)
        across = self.spacing_mm[2]
        n = self.n_slices * self.n_subslices
        return in_plane, in_plane, self.bottom_mm + across * (np.arange(n) + 0.5)

    def by_slice(self, samples: Volume) -> Float[np.ndarray, "i j k sub"]:
        """Group the samples of each slice."""
        return samples.reshape(*samples.shape[:2], -1, self.n_subslices)


def bias_field(generator: np.random.Generator, grid: Grid, *, spread: float) -> Volume:
    """Draw a smooth positive factor near 1 on the scan's grid."""
    in_plane, _, _ = grid.sample_axes()
    heights = grid.bottom_mm + grid.thickness_mm * (np.arange(grid.n_slices) + 0.5)
    field = random_field(generator, spacing_mm=70).on([in_plane, in_plane, heights])
    return np.asarray(np.exp(spread * field))


def blur_in_plane(volume: Volume, sigma_voxels: float) -> Volume:
    """Blur each slice with a Gaussian."""
    return np.asarray(
        ndimage.gaussian_filter(volume, (sigma_voxels, sigma_voxels, 0), truncate=3.0)
    )


def add_rician_noise(generator: np.random.Generator, signal: Volume, *, spread: float) -> Volume:
    """Return the magnitude of a signal with normal noise in both channels.

    Source: Gudbjartsson and Patz 1995, Magn Reson Med 34(6), 910-914.
    """
    real = signal + spread * generator.standard_normal(signal.shape, dtype=np.float32)
    imaginary = spread * generator.standard_normal(signal.shape, dtype=np.float32)
    return np.asarray(np.hypot(real, imaginary))
