"""Smooth random fields: cubic B-splines on a lattice of random nodes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

EXTENT_MM = 140.0
"""Fields are defined for coordinates from -EXTENT_MM to EXTENT_MM along each axis."""

# spread of a cubic B-spline of unit white noise: (mean over phase of the sum of B**2) ** (3 / 2)
_SPREAD = (151 / 315) ** 1.5

Axes = Sequence[Float[np.ndarray, " n"]]
"""The coordinates in mm of a grid's samples along each of its three axes."""


@dataclass(frozen=True, eq=False)
class SmoothField:
    """Hold a smooth function of space, independent of any grid.

    Attributes:
        nodes: (i, j, k, ...) coefficients on a cubic lattice; further axes are channels.
        spacing_mm: Distance of the nodes.
    """

    nodes: Float[np.ndarray, "i j k ..."]
    spacing_mm: float

    def on(self, axes: Axes) -> Float[np.ndarray, "... i j k"]:
        """Evaluate the field on a grid.

        Args:
            axes: Coordinates in mm along the three axes.

        Returns:
            (..., i, j, k) float32, channels first.
        """
        i, j, k = (_basis(axis, self.spacing_mm) for axis in axes)
        nodes = np.moveaxis(self.nodes, (0, 1, 2), (-3, -2, -1)).astype(np.float32)
        along_k = nodes @ k.T
        along_j = j @ along_k
        return np.asarray(np.moveaxis(np.tensordot(i, along_j, axes=(1, -3)), 0, -3))


def node_axis(spacing_mm: float) -> Float[np.ndarray, " n"]:
    """Return the coordinates in mm of the nodes along one axis, one node beyond the extent."""
    half = int(np.ceil(EXTENT_MM / spacing_mm)) + 1
    return np.arange(-half, half + 1) * spacing_mm


def random_field(
    generator: np.random.Generator, *, spacing_mm: float, channels: int | None = None
) -> SmoothField:
    """Draw a field with mean 0 and standard deviation 1 that varies over `spacing_mm`.

    The draw does not depend on the grid, so a coarse and a fine phantom of one seed agree.

    Args:
        generator: Source of randomness.
        spacing_mm: Distance of the nodes; neighbours twice as far apart are independent.
        channels: Number of independent fields, or None for one without a channel axis.
    """
    n = len(node_axis(spacing_mm))
    shape = (n, n, n) if channels is None else (n, n, n, channels)
    nodes = generator.standard_normal(shape, dtype=np.float32) / np.float32(_SPREAD)
    return SmoothField(nodes=nodes, spacing_mm=spacing_mm)


def _basis(coordinates: Float[np.ndarray, " n"], spacing_mm: float) -> Float[np.ndarray, "n m"]:
    """Return the weight of each node at each coordinate; rows sum to 1 inside the extent."""
    nodes = node_axis(spacing_mm)
    distance = np.abs(np.asarray(coordinates)[:, None] - nodes[None]) / spacing_mm
    near = (4 - 6 * distance**2 + 3 * distance**3) / 6
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.asarray(np.where(distance < 1, near, far), dtype=np.float32)
