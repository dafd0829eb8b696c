"""A prepared scan whose voxels are cubes, seen in the two other planes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lesionless.arrays import Affine, SliceMask, Slices
from lesionless.preprocess.prepared import PreparedScan

UNEVEN = 0.05  # share by which the sides of a voxel may differ
LEAST_HEIGHT = 0.5  # of the slices' side: whole brains have 0.57 and more, less shows a strip only


@dataclass(frozen=True)
class Turn:
    """Swap slices for rows, or for columns, of a stack that is filled up to a cube.

    Attributes:
        axis: What becomes the slice: 1, the row, for coronal slices, whose row 0 is lowest; 2, the
            column, for sagittal ones, whose column 0 is lowest.
        n_slices: Of the stack.
        matrix: Its rows (= columns), and the sides of the cube.
    """

    axis: int
    n_slices: int
    matrix: int

    def there(self, stack: Slices | SliceMask) -> np.ndarray:
        """Return axial slices as slices of the other plane, 0 where the cube was filled up."""
        after = self.matrix - self.n_slices - self._before
        cube = np.pad(stack, ((self._before, after), (0, 0), (0, 0)))
        return np.ascontiguousarray(np.swapaxes(cube, 0, self.axis))

    def back(self, stack: Slices | SliceMask) -> np.ndarray:
        """Return slices of the other plane as axial slices."""
        return np.swapaxes(stack, 0, self.axis)[self._before : self._before + self.n_slices]

    def scan(self, scan: PreparedScan) -> PreparedScan:
        """Return a scan as slices of the other plane, without its lesions; its name says so."""
        geometry = scan.geometry
        return replace(
            scan,
            name=f"{scan.name}_turned-{self.axis}",
            image=self.there(scan.image),
            brain=self.there(scan.brain),
            lesion=None,
            geometry=replace(
                geometry,
                index_to_scan=geometry.index_to_scan @ self._index_to_axial,
                index_to_atlas=geometry.index_to_atlas @ self._index_to_axial,
            ),
        )

    @property
    def _before(self) -> int:
        return (self.matrix - self.n_slices) // 2

    @property
    def _index_to_axial(self) -> Affine:
        """Return the matrix from an index of the other plane to that of the axial stack."""
        order = np.arange(4)
        order[[0, self.axis]] = self.axis, 0
        matrix = np.eye(4)[order]
        matrix[0, 3] = -self._before
        return matrix


def turns(scan: PreparedScan) -> Iterator[Turn]:
    """Yield how a scan is seen in coronal and in sagittal slices, if that is of use.

    It is where voxels are cubes (at 256 pixels those of scans that were resampled to 1 mm; in thick
    slices the other planes show steps), and where the stack is not too low.
    """
    sides_mm = scan.geometry.atlas_spacing_mm
    n_slices, matrix, _ = scan.image.shape
    are_cubes = np.allclose(sides_mm, np.mean(sides_mm), rtol=UNEVEN)
    if are_cubes and LEAST_HEIGHT * matrix <= n_slices <= matrix:
        yield from (Turn(axis, n_slices, matrix) for axis in (1, 2))
