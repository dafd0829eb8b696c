"""Climb the mutual information of a scan and the atlas, on grids from coarse to fine."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage, optimize
from scipy.spatial.transform import Rotation

from lesionless.arrays import Affine, Mask, Volume
from lesionless.preprocess.atlas import Atlas
from lesionless.preprocess.blocks import block_mean, block_sizes
from lesionless.preprocess.information import information

logger = logging.getLogger(__name__)

MARGIN_MM = 12.0  # of air around the brain that counts, so that its outline does too
N_STEPS = 100
LEAST_SLOPE = 1e-5  # nats per mm
LEAST_GAIN = 1e-9  # of the measure
DIFFERENCE = 1e-4  # mm


@dataclass(frozen=True, eq=False)
class Pair:
    """Hold a coarse scan and the atlas, ready to be compared.

    The scan lies in its own frame: voxel index times spacing. Its thick slices stay as they are,
    so that every sample is one that was measured.

    Attributes:
        values: (n,) stripped scan in [0, 1], in the brain and a margin around it.
        units: (n, 4) their places, such that they are 0 on average with spread 1 along each axis;
            with a 1 at the end.
        frame: From these units to millimetres of the scan's frame.
        moving: (i, j, k) atlas in [0, 1], smoothed.
        to_moving: From atlas millimetres to its voxel index.
        cell_mm: Size of the cells.
    """

    values: np.ndarray
    units: np.ndarray
    frame: Affine
    moving: Volume
    to_moving: Affine
    cell_mm: float


def pair(image: Volume, brain: Mask, spacing: np.ndarray, atlas: Atlas, *, cell_mm: float) -> Pair:
    """Bring a scan and the atlas to cells of about `cell_mm`.

    Args:
        image: (i, j, k) scan with air at 0, any scale.
        brain: (i, j, k) brain mask.
        spacing: Voxel size in mm.
        atlas: The atlas.
        cell_mm: Size of the cells; axes with larger voxels keep these.
    """
    steps = block_sizes(image.shape, spacing, cell_mm)
    top = float(np.quantile(image[brain], 0.99))
    stripped = np.where(brain, np.clip(image / top, 0, 1), 0)
    small, small_brain = block_mean(stripped, steps), block_mean(brain, steps) > 0.5
    cell = spacing * steps
    near = ndimage.distance_transform_edt(~small_brain, sampling=cell) <= MARGIN_MM
    places = spacing * (np.array(steps) - 1) / 2 + cell * np.argwhere(near)
    spread = places.std(axis=0)
    frame = np.diag([*spread, 1.0])
    frame[:3, 3] = places.mean(axis=0)
    moving, to_moving = _moving(atlas, cell_mm)
    units = np.c_[(places - frame[:3, 3]) / spread, np.ones(len(places))]
    return Pair(small[near], units, frame, moving, to_moving, cell_mm)


def cost(pair: Pair, pose: Affine) -> float:
    """Return the negative mutual information in nats; lower is better.

    Args:
        pair: What is compared.
        pose: From the scan's frame to atlas millimetres.
    """
    to_moving = pair.to_moving @ pose @ pair.frame
    return -information(pair.values, pair.units, to_moving[:3], pair.moving)[0]


def climb(pair: Pair, pose: Affine, kind: str) -> tuple[float, Affine]:
    """Improve a pose until the measure rises no more, by quasi-Newton steps.

    The climb must end at the maximum itself: where it ends on the way, a head that lies turned in
    the scanner comes out a millimetre elsewhere. The unknowns are scaled alike: a step of 1 moves
    the brain by about a millimetre.

    Args:
        pair: What is compared.
        pose: Where to begin, from the scan's frame to atlas millimetres.
        kind: `similarity` (rotation, shift, one scale) or `affine`.

    Returns:
        The cost and the pose; those of the beginning where nothing better was found.
    """
    law, n_unknowns = _LAWS[kind]
    start = pose @ pair.frame

    def miss(step: np.ndarray) -> tuple[float, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):
            to_moving = pair.to_moving @ law(start, step)
        if not np.isfinite(to_moving).all():  # a step too far, to where nothing is known
            return 0.0, np.zeros(n_unknowns)
        value, slope = information(pair.values, pair.units, to_moving[:3], pair.moving)
        by_pose = pair.to_moving[:3, :3].T @ slope
        return -value, -_by_step(law, start, step) @ by_pose.ravel()

    found = optimize.minimize(
        miss,
        np.zeros(n_unknowns),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": N_STEPS, "gtol": LEAST_SLOPE, "ftol": LEAST_GAIN},
    )
    reached = law(start, found.x) @ np.linalg.inv(pair.frame)
    before, after = cost(pair, pose), cost(pair, reached)
    logger.debug("%s at %.1f mm: %.4f to %.4f", kind, pair.cell_mm, before, after)
    return (after, reached) if after < before else (before, pose)


@lru_cache(maxsize=8)
def _moving(atlas: Atlas, cell_mm: float) -> tuple[Volume, Affine]:
    """Return the smoothed atlas, and the affine from atlas millimetres to its voxel index."""
    spacing = np.diag(atlas.affine)[:3]
    top = float(np.quantile(atlas.image[atlas.mask], 0.99))
    steps = block_sizes(atlas.image.shape, spacing, cell_mm / 2)
    moving = np.clip(atlas.image / top, 0, 1)
    for axis in range(3):  # made coarse along one axis, it is smoothed sooner along the next
        moving = ndimage.gaussian_filter1d(moving, cell_mm / 3 / spacing[axis], axis)
        moving = block_mean(moving, np.where(np.arange(3) == axis, steps, 1).tolist())
    to_millimetres = np.diag([*spacing * steps, 1.0])
    to_millimetres[:3, 3] = atlas.affine[:3, 3] + spacing * (np.array(steps) - 1) / 2
    return moving, np.linalg.inv(to_millimetres)


def _affine(start: Affine, step: np.ndarray) -> Affine:
    moved = start.copy()
    moved[:3] += step.reshape(3, 4)
    return moved


def _similarity(start: Affine, step: np.ndarray) -> Affine:
    """Turn by a vector, shift, and stretch, each in mm at the typical radius of the brain."""
    radius_mm = np.linalg.norm(start[:3, :3])
    turn = Rotation.from_rotvec(step[:3] / radius_mm).as_matrix()
    moved = start.copy()
    moved[:3, :3] = np.exp(step[6] / radius_mm) * turn @ start[:3, :3]
    moved[:3, 3] += step[3:6]
    return moved


_LAWS: dict[str, tuple[Callable[[Affine, np.ndarray], Affine], int]] = {
    "similarity": (_similarity, 7),
    "affine": (_affine, 12),
}


def _by_step(
    law: Callable[[Affine, np.ndarray], Affine], start: Affine, step: np.ndarray
) -> np.ndarray:
    """Return how each unknown moves the 12 entries of the pose, by central differences."""
    changes = DIFFERENCE * np.eye(len(step))
    return np.stack(
        [
            (law(start, step + change) - law(start, step - change))[:3].ravel() / (2 * DIFFERENCE)
            for change in changes
        ]
    )
