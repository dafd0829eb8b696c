"""How scores of scans without lesions spread, overall or by place in the atlas."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from lesionless.arrays import Affine, SliceMask, Slices

CELL_MM = 4.0
# A box in millimetres of MNI152 that holds every adult brain with room to spare.
LOW_MM = np.array([-104.0, -140.0, -96.0])
SHAPE = (52, 64, 52)
SMOOTHING_MM = (6.0, 6.0, 8.0)
# Cells' worth of pixels by which a place is pulled to the overall spread; a cell of one slice of
# one scan counts 16 pixels, so places seen in fewer than about six slices lean on the whole.
SHRINKAGE = 100.0


@dataclass(frozen=True, eq=False)
class Normative:
    """Hold the centre and spread of the normals' scores.

    Attributes:
        centre: Mean score; one value, or one per atlas cell (x, y, z).
        spread: Standard deviation, likewise.
    """

    centre: np.ndarray
    spread: np.ndarray

    def standardise(self, score: Slices, brain: SliceMask, index_to_mni152: Affine) -> Slices:
        """Return the score in units of the normals' spread, 0 outside the brain."""
        if self.centre.ndim == 0:
            return np.where(brain, (score - self.centre) / self.spread, 0).astype(np.float32)
        where = _cells(brain, index_to_mni152)
        centre = ndimage.map_coordinates(self.centre, where, order=1, mode="nearest")
        spread = ndimage.map_coordinates(self.spread, where, order=1, mode="nearest")
        standardised = np.zeros(score.shape, np.float32)
        standardised[brain] = (score[brain] - centre) / spread
        return standardised


def overall(normals: Iterable[tuple[Slices, SliceMask, Affine]]) -> Normative:
    """Fit one centre and spread to all pixels of the normals' masks.

    Args:
        normals: Score, mask of the pixels that are normal, the way from index to millimetres of
            MNI152 (`placed_as_mni152`); one scan each.
    """
    count, total, squares = _moments(_one_cell(normals), 1)
    return Normative(*_centre_spread(count[0], total[0], squares[0]))


def by_location(normals: Iterable[tuple[Slices, SliceMask, Affine]]) -> Normative:
    """Fit a smooth centre and spread by place in the atlas, the same for left and right.

    Places that few normals cover lean on the overall figures.

    Args:
        normals: As in `overall`.
    """
    size = int(np.prod(SHAPE))
    sums = [moment.reshape(SHAPE) for moment in _moments(_atlas_cells(normals), size)]
    count, total, squares = sums
    whole = np.array([s.sum() for s in sums])
    prior = SHRINKAGE * whole / whole[0]
    sigma = [mm / CELL_MM for mm in SMOOTHING_MM]
    smooth = [
        ndimage.gaussian_filter(s + s[::-1], sigma, mode="constant") + p
        for s, p in zip((count, total, squares), prior, strict=True)
    ]
    return Normative(*_centre_spread(*smooth))


def _centre_spread(
    count: np.ndarray, total: np.ndarray, squares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    centre = np.asarray(total / count)
    variance = np.asarray(squares / count - centre**2)
    return centre, np.sqrt(np.maximum(variance, 1e-12))


def _moments(
    scores: Iterator[tuple[np.ndarray, np.ndarray]], size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return count, sum and sum of squares per cell over (cell index, score) of all scans."""
    count, total, squares = np.zeros(size), np.zeros(size), np.zeros(size)
    for cell, value in scores:
        count += np.bincount(cell, minlength=size)
        total += np.bincount(cell, value, minlength=size)
        squares += np.bincount(cell, value.astype(np.float64) ** 2, minlength=size)
    return count, total, squares


def _one_cell(
    normals: Iterable[tuple[Slices, SliceMask, Affine]],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for score, mask, _ in normals:
        yield np.zeros(int(mask.sum()), np.intp), score[mask]


def _atlas_cells(
    normals: Iterable[tuple[Slices, SliceMask, Affine]],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    limits = np.array(SHAPE)[:, np.newaxis] - 1
    for score, mask, index_to_mni152 in normals:
        where = np.clip(np.rint(_cells(mask, index_to_mni152)), 0, limits).astype(np.intp)
        yield np.ravel_multi_index(tuple(where), SHAPE), score[mask]


def _cells(mask: SliceMask, index_to_mni152: Affine) -> np.ndarray:
    """Return the (3, n) cell coordinates, not rounded, of the mask's pixels."""
    index = np.array(np.nonzero(mask))
    places_mm = index_to_mni152[:3, :3] @ index + index_to_mni152[:3, 3:]
    return (places_mm - LOW_MM[:, np.newaxis]) / CELL_MM - 0.5
