"""Affine alignment of a stripped scan to the atlas: several starts, similarity before affine."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy import ndimage

from lesionless.arrays import Affine, Mask, Volume
from lesionless.errors import RegistrationError
from lesionless.preprocess.atlas import Atlas
from lesionless.preprocess.intensity import block_mean, block_sizes

logger = logging.getLogger(__name__)

LEAST_DICE = 0.85
SCALE_BOUNDS = (0.6, 1.6)
N_KEPT_STARTS = 3
MARGIN_MM = 12.0
N_BINS = 32
COARSEST_MM = 7.0
FINER_MM = (4.0, 3.0)
N_STEPS = 100


@dataclass(frozen=True, eq=False)
class Registration:
    """Hold the alignment of one scan.

    Attributes:
        scan_to_atlas: From scan millimetres to atlas millimetres, RAS+ both.
        dice: Overlap of the scan's brain and the atlas's within the scan's field of view.
        mutual_information: Of scan and atlas around the brain, in nats.
        n_starts: Number of starting poses that were tried.
    """

    scan_to_atlas: Affine
    dice: float
    mutual_information: float
    n_starts: int


def register(image: Volume, brain: Mask, affine: Affine, atlas: Atlas) -> Registration:
    """Align a scan to the atlas.

    Deterministic: the metric uses every voxel of a coarse grid, in one thread.

    Args:
        image: (i, j, k) scan with air at 0, any scale.
        brain: (i, j, k) brain mask.
        affine: From voxel to scan millimetres.
        atlas: The atlas.

    Raises:
        RegistrationError: The best alignment overlaps the atlas brain too little.
    """
    with _one_thread():
        return _register(image, brain, affine, atlas)


def _register(image: Volume, brain: Mask, affine: Affine, atlas: Atlas) -> Registration:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    frame_to_scan = affine @ np.diag([*1 / spacing, 1])
    starts = _starts(image, brain, spacing, frame_to_scan, atlas)
    coarse = _pair(image, brain, spacing, atlas, COARSEST_MM)
    ranked = sorted((_value(coarse, start), number) for number, start in enumerate(starts))
    tried = [_from_start(coarse, starts[number]) for _, number in ranked[:N_KEPT_STARTS]]
    best = min(tried, key=lambda pair: pair[0])[1]
    for cell_mm in FINER_MM:
        value, best = _optimise(_pair(image, brain, spacing, atlas, cell_mm), best, "affine")
    scan_to_atlas = best @ np.linalg.inv(frame_to_scan)
    dice = overlap(brain, scan_to_atlas @ affine, atlas)
    return _checked(Registration(scan_to_atlas, dice, -value, len(starts)))


def _from_start(pair: "_Pair", start: Affine) -> tuple[float, Affine]:
    _, similar = _optimise(pair, start, "similarity")
    return _optimise(pair, similar, "affine")


def overlap(brain: Mask, voxel_to_atlas: Affine, atlas: Atlas) -> float:
    """Return the Dice of the brain mask and the atlas's, on the scan's grid."""
    matrix = np.linalg.inv(atlas.affine) @ voxel_to_atlas
    there = ndimage.affine_transform(
        atlas.mask.astype(np.uint8), matrix[:3, :3], matrix[:3, 3], brain.shape, order=0
    )
    both = int(np.count_nonzero(brain & (there > 0)))
    return 2 * both / max(1, int(np.count_nonzero(brain) + np.count_nonzero(there)))


def _checked(result: Registration) -> Registration:
    scales = np.linalg.svd(result.scan_to_atlas[:3, :3], compute_uv=False)
    if result.dice < LEAST_DICE or scales.max() > SCALE_BOUNDS[1] or scales.min() < SCALE_BOUNDS[0]:
        raise RegistrationError(
            f"Expected the brain to overlap the atlas's by Dice {LEAST_DICE} or more with scales "
            f"between {SCALE_BOUNDS[0]} and {SCALE_BOUNDS[1]}, found Dice {result.dice:.2f} and "
            f"scales {np.round(scales, 2).tolist()}. Check the orientation and voxel size in the "
            "header, and the brain mask."
        )
    return result


@dataclass(frozen=True, eq=False)
class _Pair:
    """Hold a coarse scan and the atlas as SimpleITK images."""

    fixed: Any
    fixed_mask: Any
    moving: Any
    centre: tuple[float, float, float]
    cell_mm: float


def _pair(image: Volume, brain: Mask, spacing: np.ndarray, atlas: Atlas, cell_mm: float) -> _Pair:
    steps = block_sizes(image.shape, tuple(spacing), cell_mm)
    top = float(np.quantile(image[brain], 0.99))
    stripped = np.where(brain, np.clip(image, 0, top), 0) / top
    small, small_brain = block_mean(stripped, steps), block_mean(brain, steps) > 0.5
    cell = spacing * steps
    near = ndimage.distance_transform_edt(~small_brain, sampling=cell) <= MARGIN_MM
    origin = spacing * (np.array(steps) - 1) / 2
    centre = origin + cell * np.argwhere(small_brain).mean(axis=0)
    return _Pair(
        fixed=_itk(small, cell, origin),
        fixed_mask=_itk(near.astype(np.uint8), cell, origin),
        moving=_moving(atlas, cell_mm),
        centre=(float(centre[0]), float(centre[1]), float(centre[2])),
        cell_mm=cell_mm,
    )


def _moving(atlas: Atlas, cell_mm: float) -> Any:
    spacing = np.diag(atlas.affine)[:3]
    top = float(np.quantile(atlas.image[atlas.mask], 0.99))
    smooth = ndimage.gaussian_filter(atlas.image / top, cell_mm / 3 / spacing)
    steps = block_sizes(atlas.image.shape, tuple(spacing), cell_mm / 2)
    origin = atlas.affine[:3, 3] + spacing * (np.array(steps) - 1) / 2
    return _itk(block_mean(smooth, steps), spacing * steps, origin)


def _itk(volume: Volume, spacing: np.ndarray, origin: np.ndarray) -> Any:
    import SimpleITK

    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(volume.T))
    image.SetSpacing([float(value) for value in spacing])
    image.SetOrigin([float(value) for value in origin])
    return image


def _starts(
    image: Volume, brain: Mask, spacing: np.ndarray, frame_to_scan: Affine, atlas: Atlas
) -> list[Affine]:
    """List starting poses: the header's orientation, tilted, scaled and shifted along z."""
    frame_centre = spacing * np.argwhere(brain).mean(axis=0)
    atlas_centre = atlas.affine[:3, :3] @ np.argwhere(atlas.mask).mean(axis=0) + atlas.affine[:3, 3]
    starts = []
    for pitch, scale, up in product((-16, 0, 16), (0.9, 1.0, 1.12), (-30, -15, 0, 15, 30)):
        linear = _rotation_x(pitch) @ frame_to_scan[:3, :3] * scale
        start = np.eye(4)
        start[:3, :3] = linear
        start[:3, 3] = atlas_centre + np.array([0, 0, up]) - linear @ frame_centre
        starts.append(start)
    return starts


def _rotation_x(degrees: float) -> np.ndarray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])


def _method(pair: _Pair, start: Affine) -> Any:
    import SimpleITK

    method = SimpleITK.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(N_BINS)
    method.SetMetricFixedMask(pair.fixed_mask)
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetMetricUseMovingImageGradientFilter(False)
    method.SetInterpolator(SimpleITK.sitkLinear)
    method.SetMovingInitialTransform(_affine_transform(start))
    return method


def _value(pair: _Pair, start: Affine) -> float:
    import SimpleITK

    method = _method(pair, start)
    method.SetInitialTransform(SimpleITK.Similarity3DTransform())
    return float(method.MetricEvaluate(pair.fixed, pair.moving))


def _optimise(pair: _Pair, start: Affine, kind: str) -> tuple[float, Affine]:
    """Climb from a start; returns the metric (lower is better) and the pose."""
    import SimpleITK

    transform = (
        SimpleITK.AffineTransform(3) if kind == "affine" else SimpleITK.Similarity3DTransform()
    )
    transform.SetCenter(pair.centre)
    method = _method(pair, start)
    method.SetInitialTransform(transform, inPlace=True)
    method.SetOptimizerAsGradientDescent(
        learningRate=1.0,
        numberOfIterations=N_STEPS,
        convergenceMinimumValue=1e-6,
        convergenceWindowSize=10,
        estimateLearningRate=method.EachIteration,
        maximumStepSizeInPhysicalUnits=pair.cell_mm / 4,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.Execute(pair.fixed, pair.moving)
    reached = start @ _matrix(transform)
    value, before = _value(pair, reached), _value(pair, start)
    logger.debug("%s at %.1f mm: %.4f to %.4f", kind, pair.cell_mm, before, value)
    return (value, reached) if value < before else (before, start)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let ITK add up in one thread: its sums depend on which of several comes first."""
    import SimpleITK

    before = SimpleITK.ProcessObject.GetGlobalDefaultNumberOfThreads()
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def _affine_transform(matrix: Affine) -> Any:
    import SimpleITK

    transform = SimpleITK.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    return transform


def _matrix(transform: Any) -> Affine:
    """Return the 4x4 of any of ITK's linear transforms, its centre folded in."""
    centre = np.array(transform.GetCenter())
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = np.array(transform.GetTranslation()) + centre - matrix[:3, :3] @ centre
    return matrix
