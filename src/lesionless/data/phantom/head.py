"""One head in the scanner: which samples of the scan hold it, and where they are in MNI space."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from lesionless.arrays import Mask, Volume
from lesionless.data.phantom.acquisition import Acquisition, Grid
from lesionless.data.phantom.anatomy import Lattice
from lesionless.data.phantom.deformation import NODE_MM, Shape, random_deformation
from lesionless.data.phantom.interpolation import interpolate
from lesionless.data.phantom.regions import Regions
from lesionless.data.phantom.smooth_field import SmoothField, node_axis


@dataclass(frozen=True, eq=False)
class Head:
    """Hold the samples of a scan that lie in one head.

    Attributes:
        grid: The scan's slices.
        box: The part of the sample grid that holds the head.
        axes: Coordinates in mm of the samples in the box.
        near: Samples of the box in the head, or near the brain of a stripped one; n of them.
        mni_mm: Where these n samples lie in the average brain.
    """

    grid: Grid
    box: tuple[slice, slice, slice]
    axes: tuple[Float[np.ndarray, " n"], ...]
    near: Mask
    mni_mm: Float[np.ndarray, "3 n"]

    def within(self, mask: Mask, lattice: Lattice) -> "Head":
        """Keep the samples that lie in an average mask."""
        kept = _is_near(self.mni_mm, mask, lattice)
        near = self.near.copy()
        near[self.near] = kept
        return replace(self, near=near, mni_mm=self.mni_mm[:, kept])

    def look_up(
        self, volumes: Sequence[Volume], lattice: Lattice
    ) -> Iterator[Float[np.ndarray, " n"]]:
        """Interpolate average maps at the samples, linearly."""
        return iter(interpolate(volumes, lattice.index(self.mni_mm)))

    def nearest(self, lattice: Lattice) -> Int[np.ndarray, "3 n"]:
        """Return the voxel of an average map that is nearest to each sample."""
        return _nearest(self.mni_mm, lattice)

    def on_scan(self, box: Float[np.ndarray, "i j k"]) -> Float[np.ndarray, "i j k"]:
        """Put slices that cover the box into the scan's field of view, 0 around it."""
        grid = self.grid
        whole = np.zeros((grid.matrix, grid.matrix, grid.n_slices), dtype=box.dtype)
        whole[self.box[0], self.box[1]] = box
        return whole

    def spread(self, values: Float[np.ndarray, " n"], *, outside: float) -> Volume:
        """Put values at the samples into the box."""
        volume = np.full(self.near.shape, outside, dtype=np.float32)
        volume[self.near] = values
        return volume


def draw_head(
    generator: np.random.Generator,
    regions: Regions,
    near: Mask,
    *,
    shape: Shape,
    acquisition: Acquisition,
) -> Head:
    """Draw a head and lay slices through the whole of it.

    Args:
        generator: Source of randomness.
        regions: The average brain's places.
        near: What belongs to the head, on the lattice of `regions`.
        shape: How much heads differ.
        acquisition: How scans are taken.
    """
    deformation = random_deformation(generator, regions, shape=shape)
    low, high = _bounds_mm(deformation, near, regions.lattice)
    thickness_mm = float(generator.uniform(*acquisition.thickness_mm))
    bottom_mm = low[2] - thickness_mm * generator.uniform(0, 1)
    grid = Grid(
        matrix=acquisition.matrix,
        in_plane_mm=float(generator.uniform(*acquisition.in_plane_mm)),
        thickness_mm=thickness_mm,
        n_slices=int(np.ceil((high[2] - bottom_mm) / thickness_mm)),
        bottom_mm=float(bottom_mm),
    )
    box = _box(grid, low, high)
    axes = tuple(axis[part] for axis, part in zip(grid.sample_axes(), box, strict=True))
    mni_mm = deformation.on(axes)
    inside = _is_near(mni_mm, near, regions.lattice)
    return Head(grid=grid, box=box, axes=axes, near=inside, mni_mm=mni_mm[:, inside])


def _bounds_mm(
    deformation: SmoothField, near: Mask, lattice: Lattice
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """Return the corners of a box around the head, in scanner mm."""
    inside = np.argwhere(_is_near(np.moveaxis(deformation.nodes, -1, 0), near, lattice))
    axis = node_axis(NODE_MM)
    return axis[inside.min(axis=0)] - NODE_MM, axis[inside.max(axis=0)] + NODE_MM


def _box(
    grid: Grid, low: Float[np.ndarray, "3"], high: Float[np.ndarray, "3"]
) -> tuple[slice, slice, slice]:
    x, y, z = grid.sample_axes()
    i, j = (
        slice(*np.searchsorted(axis, (a, b)).tolist())
        for axis, a, b in zip((x, y), low[:2], high[:2], strict=True)
    )
    return i, j, slice(0, len(z))


def _is_near(mni_mm: Float[np.ndarray, "3 *n"], near: Mask, lattice: Lattice) -> Mask:
    i, j, k = _nearest(mni_mm, lattice)
    return np.asarray(near[i, j, k])


def _nearest(mni_mm: Float[np.ndarray, "3 *n"], lattice: Lattice) -> Int[np.ndarray, "3 *n"]:
    index = lattice.index(mni_mm)
    np.rint(index, out=index)
    last = np.asarray(lattice.shape, dtype=np.float32).reshape(3, *[1] * (mni_mm.ndim - 1)) - 1
    return np.clip(index, 0, last, out=index).astype(np.int16)
