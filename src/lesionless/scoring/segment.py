"""From a score map to a lesion mask, and from a mask to a list of lesions."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from lesionless.arrays import Affine, Labels, Mask, Volume, voxel_mm3
from lesionless.scoring.filters import components, drop_small


def segment(score_map: Volume, *, threshold: float, min_voxels: float = 1) -> Mask:
    """Return where the score exceeds the threshold, in components of at least `min_voxels`.

    Source: Baur et al. 2018, "Anomaly Detection", step 3.
    """
    return drop_small(score_map > threshold, min_voxels=min_voxels)


def numbered(segmentation: Mask) -> Labels:
    """Return the number of the component that each voxel belongs to, 0 for none.

    The largest is 1; of components of one size, the one met first in the array comes first.
    """
    found, number = components(segmentation)
    voxels = np.bincount(found.ravel(), minlength=number + 1)[1:]
    largest_first = np.argsort(-voxels, kind="stable")
    rank = np.zeros(number + 1, np.int32)
    rank[1 + largest_first] = np.arange(1, number + 1)
    return rank[found]


@dataclass(frozen=True)
class Lesion:
    """Describe one connected component of a segmentation.

    Attributes:
        volume_ml: Its volume.
        centre_mm: Centre of mass in scan millimetres (x, y, z), RAS+.
        centre_atlas_mm: The same in atlas millimetres.
        peak_score: Highest score in it.
        mean_score: Mean score in it.
    """

    volume_ml: float
    centre_mm: tuple[float, float, float]
    centre_atlas_mm: tuple[float, float, float]
    peak_score: float
    mean_score: float


def lesions(
    labels: Labels, score_map: Volume, affine: Affine, scan_to_atlas: Affine
) -> list[Lesion]:
    """List the components of a segmentation, the largest first.

    Args:
        labels: (i, j, k) from `numbered`.
        score_map: (i, j, k) scores.
        affine: From voxel index to scan millimetres.
        scan_to_atlas: From scan millimetres to atlas millimetres.
    """
    voxels = np.bincount(labels.ravel())[1:]
    index = np.arange(1, len(voxels) + 1)
    centres = np.array(ndimage.center_of_mass(labels > 0, labels, index)).reshape(-1, 3)
    centres_mm = centres @ affine[:3, :3].T + affine[:3, 3]
    atlas_mm = centres_mm @ scan_to_atlas[:3, :3].T + scan_to_atlas[:3, 3]
    peaks = ndimage.maximum(score_map, labels, index)
    means = ndimage.mean(score_map, labels, index)
    voxel_ml = voxel_mm3(affine) / 1000
    return [
        Lesion(
            volume_ml=float(voxels[n] * voxel_ml),
            centre_mm=_triple(centres_mm[n]),
            centre_atlas_mm=_triple(atlas_mm[n]),
            peak_score=float(peaks[n]),
            mean_score=float(means[n]),
        )
        for n in range(len(voxels))
    ]


def _triple(vector: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in vector)
    return x, y, z
