"""The grid of prepared slices: where each of its pixels lies in the scan and in the atlas."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import ndimage

from lesionless.arrays import Affine, Mask, SliceMask, Slices, Volume
from lesionless.errors import ScanError, check_choice
from lesionless.preprocess.atlas import Atlas
from lesionless.preprocess.prepared import FIELD_OF_VIEW_MM

THICKEST_RESAMPLED_MM = 3.0
SLICES = ("all", "mid", "paper")
MID_HEIGHT = (0.42, 0.80)  # shares of the atlas brain's height
PAPER_MM = 20.0  # 20 slices of 1 mm: Sec. 3.1
FWHM_PER_SIGMA = 2.3548

Part = tuple[slice, slice, slice]
EVERYWHERE: Part = (slice(None), slice(None), slice(None))


@dataclass(frozen=True, eq=False)
class Grid:
    """Place a stack of square slices.

    Attributes:
        n_slices: Number of slices.
        matrix: Pixels per row and column.
        index_to_voxel: From (slice, row, column) to the voxel of the scan.
        index_to_atlas: From (slice, row, column) to atlas millimetres.
    """

    n_slices: int
    matrix: int
    index_to_voxel: Affine
    index_to_atlas: Affine

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (slices, rows, columns)."""
        return self.n_slices, self.matrix, self.matrix

    def levels_mm(self) -> np.ndarray:
        """Return the atlas height of the centre pixel of each slice."""
        middle = (self.matrix - 1) / 2
        centres = [[index, middle, middle, 1] for index in range(self.n_slices)]
        return np.asarray((np.array(centres) @ self.index_to_atlas.T)[:, 2])

    def cut(self, first: int, last: int) -> "Grid":
        """Return the grid of the slices from `first` to `last`, both included."""
        shift = np.eye(4)
        shift[0, 3] = first
        return Grid(
            last - first + 1,
            self.matrix,
            self.index_to_voxel @ shift,
            self.index_to_atlas @ shift,
        )


def keeps_slices(affine: Affine) -> bool:
    """Say whether a canonical scan has thick axial slices, which are never mixed."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    return bool(spacing[2] > THICKEST_RESAMPLED_MM + 1e-3 and spacing[2] >= spacing.max() - 1e-3)


def atlas_grid(atlas: Atlas, voxel_to_atlas: Affine, *, matrix: int) -> Grid:
    """Lay 1 mm axial slices through the whole atlas brain."""
    low, high = atlas.box_mm
    index_to_atlas = np.zeros((4, 4))
    index_to_atlas[:2] = _in_plane(atlas, matrix)
    index_to_atlas[2] = [1, 0, 0, low[2]]
    index_to_atlas[3, 3] = 1
    return Grid(
        n_slices=round(float(high[2] - low[2])) + 1,
        matrix=matrix,
        index_to_voxel=np.linalg.inv(voxel_to_atlas) @ index_to_atlas,
        index_to_atlas=index_to_atlas,
    )


def own_slices_grid(atlas: Atlas, voxel_to_atlas: Affine, n_slices: int, *, matrix: int) -> Grid:
    """Lay one slice through each axial slice of a thick-slice scan.

    Within the slices the scale, rotation and centre are the atlas's; the tilt of the stack stays.
    The stack is turned about the centre of the atlas brain until its slices are level, and read
    off there.
    """
    level = _turned_level(voxel_to_atlas, atlas.centre_mm) @ voxel_to_atlas
    own_slice = np.array([1.0, 0, 0, 0])
    wanted = _in_plane(atlas, matrix)
    wanted = wanted - np.outer(level[:2, 2], own_slice)
    wanted[:, 3] -= level[:2, 3]
    index_to_voxel = np.zeros((4, 4))
    index_to_voxel[:2] = np.linalg.solve(level[:2, :2], wanted)
    index_to_voxel[2] = own_slice
    index_to_voxel[3, 3] = 1
    return Grid(n_slices, matrix, index_to_voxel, voxel_to_atlas @ index_to_voxel)


def grid_of(
    atlas: Atlas, affine: Affine, voxel_to_atlas: Affine, n_slices: int, *, matrix: int
) -> Grid:
    """Return the grid of all slices: the scan's own where these are kept, else the atlas's.

    Args:
        atlas: The atlas.
        affine: (4, 4) of the scan in RAS order.
        voxel_to_atlas: (4, 4) from its voxels to atlas millimetres.
        n_slices: Number of its slices.
        matrix: Pixels per row.
    """
    if keeps_slices(affine):
        return own_slices_grid(atlas, voxel_to_atlas, n_slices, matrix=matrix)
    return atlas_grid(atlas, voxel_to_atlas, matrix=matrix)


def select(grid: Grid, brain: Mask, atlas: Atlas, slices: str) -> tuple[int, int]:
    """Return the first and last slice to keep.

    Args:
        grid: Grid of all slices.
        brain: (slice, row, column) brain mask on it.
        atlas: The atlas.
        slices: `all` (every slice with brain), `mid` (42 to 80 % of the atlas brain's height) or
            `paper` (20 mm around the axial mid-plane; 20 slices of 1 mm, Sec. 3.1).

    Raises:
        ScanError: The scan holds no such slice.
    """
    levels = grid.levels_mm()
    low, high = range_mm(atlas, slices)
    kept = np.flatnonzero(brain.any(axis=(1, 2)) & (levels >= low) & (levels < high))
    if not kept.size:
        with_brain = levels[brain.any(axis=(1, 2))]
        found = (
            f"brain from {with_brain.min():.0f} to {with_brain.max():.0f} mm"
            if (with_brain.size)
            else "no brain"
        )
        raise ScanError(
            f"Expected slices with brain between {low:.0f} and {high:.0f} mm of the atlas for "
            f"the choice `{slices}`, found {found}. Choose `all`, or leave the scan out."
        )
    return int(kept[0]), int(kept[-1])


def resample(image: Volume, grid: Grid, part: Part = EVERYWHERE) -> Slices:
    """Read an image off at the grid's pixels, linear, 0 beyond its edge.

    Voxels finer than the pixels are blurred to the size of these first.

    Args:
        image: (i, j, k) scan in RAS order.
        grid: Where to read.
        part: The slices, rows and columns that are wanted; the others are 0.
    """
    voxels_per_pixel = np.linalg.norm(grid.index_to_voxel[:3, :3], axis=1)
    fwhm = np.sqrt(np.maximum(voxels_per_pixel**2 - 1, 0))
    smooth = ndimage.gaussian_filter(image, fwhm / FWHM_PER_SIGMA)
    return _read_off(smooth, grid, order=1, part=part)


def resample_mask(mask: Mask, grid: Grid) -> SliceMask:
    """Read a mask off at the grid's pixels: inside where the interpolated mask exceeds one half."""
    return np.asarray(_read_off(mask, grid, order=1, part=_reached(mask, grid)) > 0.5)


def resample_lesion(lesion: Mask, grid: Grid) -> SliceMask:
    """Read a reference mask off at the grid's pixels, nearest neighbour: nothing is invented."""
    return np.asarray(_read_off(lesion, grid, order=0) > 0.5)


def range_mm(atlas: Atlas, slices: str) -> tuple[float, float]:
    """Return the lowest and highest atlas height of `all`, `mid` or `paper` slices.

    Raises:
        UsageError: There is no such choice.
    """
    check_slices(slices)
    low, high = (float(corner[2]) for corner in atlas.box_mm)
    if slices == "mid":
        return low + MID_HEIGHT[0] * (high - low), low + MID_HEIGHT[1] * (high - low)
    if slices == "paper":
        middle = (low + high) / 2
        return middle - PAPER_MM / 2, middle + PAPER_MM / 2
    return -np.inf, np.inf


def check_slices(slices: str) -> None:
    """Refuse a name of heights that does not exist, which must never stand for all of them.

    Raises:
        UsageError: It is not one of `SLICES`.
    """
    check_choice("slices", slices, SLICES)


def _reached(mask: Mask, grid: Grid) -> Part:
    """Return a box of the grid that holds every pixel of a mask."""
    found = ndimage.find_objects(mask.astype(np.uint8))
    if not found:
        return EVERYWHERE
    ends = [(side.start - 1, side.stop) for side in found[0]]
    corners = np.array([[*corner, 1] for corner in product(*ends)])
    index = (corners @ np.linalg.inv(grid.index_to_voxel).T)[:, :3]
    low = np.clip(np.floor(index.min(axis=0)), 0, grid.shape).astype(int)
    high = np.clip(np.ceil(index.max(axis=0)) + 1, 0, grid.shape).astype(int)
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


def _read_off(volume: Volume | Mask, grid: Grid, *, order: int, part: Part = EVERYWHERE) -> Slices:
    matrix = np.round(grid.index_to_voxel, 9)  # own slices are hit exactly
    slices = np.zeros(grid.shape, dtype=np.float32)
    wanted = slices[part]
    first = [side.start or 0 for side in part]
    ndimage.affine_transform(
        volume.astype(np.float32),
        matrix[:3, :3],
        np.round(matrix[:3, :3] @ first + matrix[:3, 3], 9),
        output=wanted,
        output_shape=wanted.shape,
        order=order,
        mode="grid-constant",
    )
    return slices


def _in_plane(atlas: Atlas, matrix: int) -> np.ndarray:
    """Map (slice, row, column, 1) to atlas x and y: column 0 right, row 0 anterior."""
    pixel_mm = FIELD_OF_VIEW_MM / matrix
    corner = atlas.centre_mm[:2] + pixel_mm * (matrix - 1) / 2
    return np.array([[0, 0, -pixel_mm, corner[0]], [0, -pixel_mm, 0, corner[1]]])


def _turned_level(voxel_to_atlas: Affine, pivot_mm: np.ndarray) -> Affine:
    """Return the smallest rotation about a point that lays the slices level."""
    normal = np.cross(voxel_to_atlas[:3, 0], voxel_to_atlas[:3, 1])
    normal /= np.linalg.norm(normal)
    axis = np.cross(normal, [0.0, 0.0, 1.0])
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.eye(4)
    turn[:3, :3] += cross + cross @ cross / (1 + normal[2])
    turn[:3, 3] = pivot_mm - turn[:3, :3] @ pivot_mm
    return turn
