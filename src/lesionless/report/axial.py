"""A scan's own axial slices, turned for display: row 0 anterior, column 0 the patient's right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

from lesionless.arrays import Affine, Mask, SliceMask, Slices, Volume
from lesionless.preprocess.canonical import ras_affine, to_ras


@dataclass(frozen=True, eq=False)
class AxialScan:
    """Hold a segmented scan as axial slices, cut to the brain.

    Nothing is interpolated: the slices are the scan's own along the axis closest to the body's.

    Attributes:
        image: (slice, row, column) in the scan's units, slice 0 lowest.
        reconstruction: The same without lesions.
        anomaly: Score, 0 outside the brain.
        segmentation: Lesion mask.
        brain: Brain mask.
        spacing_mm: Distance of slices, rows and columns.
        number: (slice) which slice of the scan this is, 1 the lowest.
        height_mm: (slice) z of the slice's middle in scan millimetres.
    """

    image: Slices
    reconstruction: Slices
    anomaly: Slices
    segmentation: SliceMask
    brain: SliceMask
    spacing_mm: tuple[float, float, float]
    number: Shaped[np.ndarray, " slice"]
    height_mm: Float[np.ndarray, " slice"]

    @property
    def aspect(self) -> float:
        """Return the height of a pixel over its width."""
        return self.spacing_mm[1] / self.spacing_mm[2]

    @property
    def volumes_ml(self) -> Float[np.ndarray, " slice"]:
        """Return the segmented volume in each slice."""
        voxel_ml = float(np.prod(self.spacing_mm)) / 1000
        return np.asarray(self.segmentation.sum(axis=(1, 2)) * voxel_ml)

    def take(self, chosen: Sequence[int] | np.ndarray) -> "AxialScan":
        """Return some of the slices."""
        return AxialScan(
            image=self.image[chosen],
            reconstruction=self.reconstruction[chosen],
            anomaly=self.anomaly[chosen],
            segmentation=self.segmentation[chosen],
            brain=self.brain[chosen],
            spacing_mm=self.spacing_mm,
            number=self.number[chosen],
            height_mm=self.height_mm[chosen],
        )


def axial(volume: Volume | Mask, affine: Affine) -> Slices | SliceMask:
    """Return a volume as axial slices.

    Args:
        volume: (i, j, k) in the scan's own voxel order.
        affine: (4, 4) from voxel index to millimetres, RAS+.

    Returns:
        (slice, row, column): slice 0 lowest, row 0 anterior, column 0 the patient's right.

    Example:
        >>> brightest_on_the_right = np.arange(8.0).reshape(2, 2, 2)
        >>> axial(brightest_on_the_right, np.eye(4))[0].tolist()
        [[6.0, 2.0], [4.0, 0.0]]
    """
    return np.asarray(np.flip(to_ras(volume, affine), axis=(0, 1)).transpose(2, 1, 0))


def axial_scan(
    image: Volume,
    reconstruction: Volume,
    anomaly: Volume,
    segmentation: Mask,
    *,
    brain: Mask,
    affine: Affine,
) -> AxialScan:
    """Turn a scan and its maps, all (i, j, k) on its own grid, into slices cut to the brain."""
    inside = axial(brain, affine)
    slices, rows, columns = (_span(inside, axis) for axis in range(3))
    box = (slices, rows, columns)
    ras = ras_affine(image.shape, affine)
    x_mm, y_mm, z_mm = (float(length) for length in np.linalg.norm(ras[:3, :3], axis=0))
    middle = [(length - 1) / 2 for length in inside.shape]
    index = np.arange(inside.shape[0])
    height_mm = ras[2, 0] * middle[2] + ras[2, 1] * middle[1] + ras[2, 2] * index + ras[2, 3]
    return AxialScan(
        image=axial(image, affine)[box],
        reconstruction=axial(reconstruction, affine)[box],
        anomaly=axial(anomaly, affine)[box],
        segmentation=axial(segmentation, affine)[box],
        brain=inside[box],
        spacing_mm=(z_mm, y_mm, x_mm),
        number=(index + 1)[slices],
        height_mm=height_mm[slices],
    )


def spread_out(n_slices: int, most: int) -> np.ndarray:
    """Return at most `most` slice indices, evenly from the lowest to the highest."""
    return np.unique(np.linspace(0, n_slices - 1, min(most, n_slices)).round().astype(int))


def most_telling(scan: AxialScan, most: int, *, apart_mm: float = 8.0) -> np.ndarray:
    """Return the slices with the largest segmented area, or the highest scores where none is.

    Args:
        scan: A segmented scan.
        most: At most so many.
        apart_mm: Distance that they keep from each other.
    """
    area = scan.segmentation.sum(axis=(1, 2)).astype(float)
    interest = area if area.any() else scan.anomaly.max(axis=(1, 2))
    chosen: list[int] = []
    for index in np.argsort(-interest, kind="stable"):
        distances_mm = np.abs(np.array(chosen) - index) * scan.spacing_mm[0]
        if interest[index] > 0 and (distances_mm >= apart_mm).all():
            chosen.append(int(index))
    return np.array(sorted(chosen[:most]), dtype=int)


def _span(inside: Bool[np.ndarray, "slice row column"], axis: int, *, margin: int = 3) -> slice:
    others = tuple(other for other in range(3) if other != axis)
    used = np.flatnonzero(inside.any(axis=others))
    if not used.size:
        return slice(None)
    wider = margin if axis else 0
    return slice(max(0, int(used[0]) - wider), int(used[-1]) + 1 + wider)
