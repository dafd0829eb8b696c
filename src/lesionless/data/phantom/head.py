"""One head in the scanner: which samples lie near its brain, and where they are in MNI space."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage

from lesionless.arrays import Mask, Volume
from lesionless.data.phantom.acquisition import Acquisition, Grid
from lesionless.data.phantom.anatomy import Lattice
from lesionless.data.phantom.deformation import NODE_MM, Shape, random_deformation
from lesionless.data.phantom.regions import Regions
from lesionless.data.phantom.smooth_field import SmoothField, node_axis


@dataclass(frozen=True, eq=False)
class Head:
    """Hold the samples of a scan that lie in or near one brain.

    Attributes:
        grid: The scan's slices.
        box: The part of the sample grid that holds the brain.
        axes: Coordinates in mm of the samples in the box.
        near: Samples of the box in or near the brain; n of them.
        mni_mm: Where these n samples lie in the average brain.
    """

    grid: Grid
    box: tuple[slice, slice, slice]
    axes: tuple[Float[np.ndarray, " n"], ...]
    near: Mask
    mni_mm: Float[np.ndarray, "3 n"]

    def look_up(self, volume: Volume, lattice: Lattice) -> Float[np.ndarray, " n"]:
        """Interpolate an average map at the samples, linearly; 0 outside of it."""
        index = lattice.index(self.mni_mm)
        return np.asarray(ndimage.map_coordinates(volume, index, np.float32, order=1))

    def nearest(self, lattice: Lattice) -> Int[np.ndarray, "3 n"]:
        """Return the voxel of an average map that is nearest to each sample."""
        return _nearest(self.mni_mm, lattice)

    def spread(self, values: Float[np.ndarray, " n"], *, outside: float) -> Volume:
        """Put values at the samples into the box."""
        volume = np.full(self.near.shape, outside, dtype=np.float32)
        volume[self.near] = values
        return volume


def draw_head(
    generator: np.random.Generator, regions: Regions, *, shape: Shape, acquisition: Acquisition
) -> Head:
    """Draw a head and lay slices through the whole of its brain."""
    deformation = random_deformation(generator, regions, shape=shape)
    low, high = _bounds_mm(deformation, regions)
    thickness_mm = float(generator.uniform(*acquisition.thickness_mm))
    bottom_mm = low[2] - thickness_mm * generator.uniform(0, 1)
    grid = Grid(
        matrix=acquisition.matrix,
        in_plane_mm=float(generator.uniform(*acquisition.in_plane_mm)),
        thickness_mm=thickness_mm,
        n_slices=int(np.ceil((high[2] - bottom_mm) / thickness_mm)),
        bottom_mm=float(bottom_mm),
    )
    return _sample(grid, deformation, regions, low, high)


def _bounds_mm(
    deformation: SmoothField, regions: Regions
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """Return the corners of a box around the brain, in scanner mm."""
    mm = np.moveaxis(deformation.nodes, -1, 0)
    inside = np.argwhere(_is_near(mm, regions))
    axis = node_axis(NODE_MM)
    return axis[inside.min(axis=0)] - NODE_MM, axis[inside.max(axis=0)] + NODE_MM


def _sample(
    grid: Grid,
    deformation: SmoothField,
    regions: Regions,
    low: Float[np.ndarray, "3"],
    high: Float[np.ndarray, "3"],
) -> Head:
    whole = grid.sample_axes()
    in_plane = tuple(
        slice(*np.searchsorted(axis, (a, b)).tolist())
        for axis, a, b in zip(whole[:2], low, high, strict=False)
    )
    box = (in_plane[0], in_plane[1], slice(0, len(whole[2])))
    axes = tuple(axis[part] for axis, part in zip(whole, box, strict=True))
    mni_mm = deformation.on(axes)
    near = _is_near(mni_mm, regions)
    return Head(grid=grid, box=box, axes=axes, near=near, mni_mm=mni_mm[:, near])


def _is_near(mni_mm: Float[np.ndarray, "3 *n"], regions: Regions) -> Mask:
    i, j, k = _nearest(mni_mm, regions.lattice)
    return np.asarray(regions.near_brain[i, j, k])


def _nearest(mni_mm: Float[np.ndarray, "3 *n"], lattice: Lattice) -> Int[np.ndarray, "3 *n"]:
    index = lattice.index(mni_mm)
    last = np.reshape(lattice.shape, (3,) + (1,) * (mni_mm.ndim - 1)) - 1
    return np.asarray(np.clip(np.rint(index), 0, last.astype(np.float32)), dtype=np.int16)
