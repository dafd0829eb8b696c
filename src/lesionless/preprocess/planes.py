"""A prepared scan seen in the two other planes, thick slices stretched to cubes before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lesionless.arrays import Affine, SliceMask, Slices
from lesionless.preprocess.prepared import PreparedScan

UNEVEN = 0.05  # share by which the sides of a voxel may differ
LEAST_HEIGHT = 0.5  # of the slices' side: whole brains have 0.57 and more, less shows a strip only


@dataclass(frozen=True)
class Turn:
    """Swap slices for rows, or for columns, of a stack that is made a cube of cubes.

    By linear interpolation slices come to be as far apart as their pixels; then the stack is filled
    up.

    Attributes:
        axis: What becomes the slice: 1, the row, for coronal slices, whose row 0 is lowest; 2, the
            column, for sagittal ones, whose column 0 is lowest.
        n_slices: Of the stack.
        matrix: Its rows (= columns), and the sides of the cube.
        stretch: How many pixels its slices are apart.
    """

    axis: int
    n_slices: int
    matrix: int
    stretch: float

    def there(self, stack: Slices | SliceMask) -> np.ndarray:
        """Return axial slices as slices of the other plane, 0 where the cube was filled up.

        Between slices, a mask holds what the nearest one does.
        """
        fine = self._stretched(stack)
        after = self.matrix - len(fine) - self._before
        cube = np.pad(fine, ((self._before, after), (0, 0), (0, 0)))
        return np.ascontiguousarray(np.swapaxes(cube, 0, self.axis))

    def back(self, stack: Slices | SliceMask) -> np.ndarray:
        """Return slices of the other plane as axial slices, those of the stack alone."""
        own = np.round(np.arange(self.n_slices) * self.stretch).astype(int)
        return np.swapaxes(stack, 0, self.axis)[self._before + own]

    def scan(self, scan: PreparedScan) -> PreparedScan:
        """Return a scan as slices of the other plane, without its lesions; its name says so."""
        geometry = scan.geometry
        brain = self.there(scan.brain)
        return replace(
            scan,
            name=f"{scan.name}_turned-{self.axis}",
            image=self.there(scan.image) * brain,
            brain=brain,
            lesion=None,
            geometry=replace(
                geometry,
                index_to_scan=geometry.index_to_scan @ self._index_to_axial,
                index_to_atlas=geometry.index_to_atlas @ self._index_to_axial,
            ),
        )

    @property
    def height(self) -> int:
        """Return the slices of the stretched stack."""
        return round((self.n_slices - 1) * self.stretch) + 1

    @property
    def _before(self) -> int:
        return (self.matrix - self.height) // 2

    @property
    def _index_to_axial(self) -> Affine:
        """Return the matrix from an index of the other plane to that of the axial stack."""
        order = np.arange(4)
        order[[0, self.axis]] = self.axis, 0
        matrix = np.eye(4)[order]
        matrix[0] /= self.stretch
        matrix[0, 3] = -self._before / self.stretch
        return matrix

    def _stretched(self, stack: Slices | SliceMask) -> np.ndarray:
        if self.stretch == 1:
            return stack
        at = np.minimum(np.arange(self.height) / self.stretch, self.n_slices - 1)
        if stack.dtype == bool:
            return stack[np.round(at).astype(int)]
        below = np.minimum(at.astype(int), self.n_slices - 2)
        share = (at - below)[:, np.newaxis, np.newaxis].astype(np.float32)
        return np.asarray(stack[below] * (1 - share) + stack[below + 1] * share)


def turns(scan: PreparedScan) -> Iterator[Turn]:
    """Yield how a scan is seen in coronal and in sagittal slices, unless it is too low or too high.

    Slices are brought as far apart as pixels, closer or farther.
    """
    slice_mm, *pixel_mm = scan.geometry.atlas_spacing_mm
    n_slices, matrix, _ = scan.image.shape
    stretch = slice_mm / float(np.mean(pixel_mm))
    if abs(stretch - 1) <= UNEVEN:
        stretch = 1.0
    found = [Turn(axis, n_slices, matrix, stretch) for axis in (1, 2)]
    if LEAST_HEIGHT * matrix <= found[0].height <= matrix:
        yield from found
