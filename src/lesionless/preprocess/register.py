"""Affine alignment of a stripped scan to the atlas: several starts, similarity before affine."""

import logging
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from lesionless.arrays import Affine, Mask, Volume
from lesionless.errors import RegistrationError
from lesionless.preprocess.ascent import Pair, climb, cost, pair
from lesionless.preprocess.atlas import Atlas
from lesionless.preprocess.starts import header_starts, other_starts

logger = logging.getLogger(__name__)

LEAST_DICE = 0.85
CLEARLY_BETTER = 1.1  # times the information that the header's axes give
SCALE_BOUNDS = (0.6, 1.6)
COARSEST_MM = 7.0
FINER_MM = (4.0, 3.0)
N_KEPT_STARTS = 3
DOUBTFUL_DICE = 0.93  # of 78 real scans none had less
N_KEPT_IN_DOUBT = 12


@dataclass(frozen=True, eq=False)
class Registration:
    """Hold the alignment of one scan.

    Attributes:
        scan_to_atlas: From scan millimetres to atlas millimetres, RAS+ both.
        dice: Overlap of the scan's brain and the atlas's within the scan's field of view.
        mutual_information: Of scan and atlas in and around the brain, in nats.
        trusts_header: Whether the axes lie as the header says.
    """

    scan_to_atlas: Affine
    dice: float
    mutual_information: float
    trusts_header: bool

    @property
    def scales(self) -> tuple[float, float, float]:
        """Return the stretch along the three principal axes, largest first."""
        first, second, third = np.linalg.svd(self.scan_to_atlas[:3, :3], compute_uv=False)
        return float(first), float(second), float(third)


@dataclass(frozen=True, eq=False)
class _Begun:
    """Hold the best pose on the coarsest grid: from the scan's frame to atlas millimetres."""

    pose: Affine
    information: float
    trusts_header: bool


def register(image: Volume, brain: Mask, affine: Affine, atlas: Atlas) -> Registration:
    """Align a scan to the atlas.

    Many starting poses are ranked, the best are climbed from on a coarse grid, and the best of
    these goes on to finer ones. So do poses in the other axis orders, which are preferred where
    they fit clearly better than those that the header allows: a brain that is turned round fills
    the same place, but is another inside. Deterministic: the measure uses every cell of a grid.

    Args:
        image: (i, j, k) scan with air at 0, any scale.
        brain: (i, j, k) brain mask.
        affine: From voxel to scan millimetres.
        atlas: The atlas.

    Raises:
        RegistrationError: The best alignment overlaps the atlas brain too little, or stretches
            the scan beyond belief.
    """
    result = _register(image, brain, affine, atlas, n_others=N_KEPT_STARTS)
    if result.dice < DOUBTFUL_DICE:
        result = _register(image, brain, affine, atlas, n_others=N_KEPT_IN_DOUBT)
    if not _is_plausible(result):
        raise RegistrationError(
            f"Expected the brain to overlap the atlas's by Dice {LEAST_DICE} or more, at scales "
            f"from {SCALE_BOUNDS[0]} to {SCALE_BOUNDS[1]}; found Dice {result.dice:.2f} and scales "
            f"{', '.join(f'{scale:.2f}' for scale in result.scales)}. Check the orientation and "
            "voxel size in the header, and the brain mask; stacks of less than about 60 mm often "
            "cannot be aligned."
        )
    return result


def overlap(brain: Mask, voxel_to_atlas: Affine, atlas: Atlas) -> float:
    """Return the Dice of the scan's brain mask and the atlas's, on the scan's grid."""
    there = atlas_mask(brain.shape, voxel_to_atlas, atlas)
    both = int(np.count_nonzero(brain & there))
    return 2 * both / max(1, int(np.count_nonzero(brain) + np.count_nonzero(there)))


def atlas_mask(shape: tuple[int, ...], voxel_to_atlas: Affine, atlas: Atlas) -> Mask:
    """Return the atlas's brain mask on a scan's grid."""
    matrix = np.linalg.inv(atlas.affine) @ voxel_to_atlas
    mask = atlas.mask.astype(np.uint8)
    return np.asarray(
        ndimage.affine_transform(mask, matrix[:3, :3], matrix[:3, 3], shape, order=0) > 0
    )


def share_seen(shape: tuple[int, ...], voxel_to_atlas: Affine, atlas: Atlas) -> float:
    """Return the share of the atlas brain that lies within a scan's field of view."""
    index = 2 * np.argwhere(atlas.mask[::2, ::2, ::2])  # a sample of voxels is enough
    to_voxel = np.linalg.inv(voxel_to_atlas) @ atlas.affine
    voxels = index @ to_voxel[:3, :3].T + to_voxel[:3, 3]
    return float(np.all((voxels >= -0.5) & (voxels < np.array(shape) - 0.5), axis=1).mean())


def _is_plausible(result: Registration) -> bool:
    low, high = SCALE_BOUNDS
    return bool(
        result.dice >= LEAST_DICE and low <= min(result.scales) and max(result.scales) <= high
    )


def _register(
    image: Volume, brain: Mask, affine: Affine, atlas: Atlas, *, n_others: int
) -> Registration:
    """Go on from the header's axes, unless others fit clearly better or these lead nowhere."""
    spacing, frame_to_scan = _frame(affine)
    coarse = pair(image, brain, spacing, atlas, cell_mm=COARSEST_MM)
    by_header, otherwise = (
        _begun(coarse, list_starts(brain, frame_to_scan, spacing, atlas), n_kept, trusted)
        for list_starts, n_kept, trusted in (
            (header_starts, N_KEPT_STARTS, True),
            (other_starts, n_others, False),
        )
    )
    is_better = otherwise.information > CLEARLY_BETTER * by_header.information
    first, second = (otherwise, by_header) if is_better else (by_header, otherwise)
    result = _finished(first, image, brain, affine, atlas)
    is_clear = first.information > CLEARLY_BETTER * second.information
    if is_clear or _is_plausible(result):
        return result
    other = _finished(second, image, brain, affine, atlas)
    return max(result, other, key=lambda one: (_is_plausible(one), one.dice))


def _begun(coarse: Pair, starts: list[Affine], n_kept: int, trusts_header: bool) -> _Begun:
    """Return the best pose on the coarsest grid, climbed to from the `n_kept` best starts."""
    ranked = sorted((cost(coarse, start), number) for number, start in enumerate(starts))
    tried = [_from_start(coarse, starts[number]) for _, number in ranked[:n_kept]]
    value, pose = min(tried, key=lambda result: result[0])
    return _Begun(pose, -value, trusts_header)


def _finished(
    begun: _Begun, image: Volume, brain: Mask, affine: Affine, atlas: Atlas
) -> Registration:
    """Return the pose after the finer grids, and how well it fits."""
    spacing, frame_to_scan = _frame(affine)
    pose, value = begun.pose, -begun.information
    for cell_mm in FINER_MM:
        finer = pair(image, brain, spacing, atlas, cell_mm=cell_mm)
        value, pose = climb(finer, pose, "affine")
    scan_to_atlas = pose @ np.linalg.inv(frame_to_scan)
    dice = overlap(brain, scan_to_atlas @ affine, atlas)
    return Registration(scan_to_atlas, dice, -value, begun.trusts_header)


def _frame(affine: Affine) -> tuple[np.ndarray, Affine]:
    """Return the voxel size, and the way from index times voxel size to scan millimetres."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    return spacing, affine @ np.diag([*1 / spacing, 1])


def _from_start(coarse: Pair, start: Affine) -> tuple[float, Affine]:
    _, similar = climb(coarse, start, "similarity")
    return climb(coarse, similar, "affine")
