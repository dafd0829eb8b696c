"""Climb the mutual information of a scan and the atlas, on grids from coarse to fine."""

import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import ndimage

from lesionless.arrays import Affine, Mask, Volume
from lesionless.preprocess.atlas import Atlas
from lesionless.preprocess.blocks import block_mean, block_sizes
from lesionless.preprocess.itk import itk_image

logger = logging.getLogger(__name__)

MARGIN_MM = 12.0  # of air around the brain that counts, so that its outline does too
N_BINS = 32
N_STEPS = 100


@dataclass(frozen=True, eq=False)
class Pair:
    """Hold a coarse scan and the atlas, ready to be compared.

    The scan lies in its own frame: voxel index times spacing. Its thick slices stay as they are,
    so that every sample is one that was measured.

    Attributes:
        fixed: The stripped scan.
        fixed_mask: Brain and a margin around it.
        moving: The atlas, smoothed.
        centre: Centre of the brain in the scan's frame; rotations turn about it.
        cell_mm: Size of the cells.
    """

    fixed: Any
    fixed_mask: Any
    moving: Any
    centre: tuple[float, float, float]
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
    origin = spacing * (np.array(steps) - 1) / 2
    near = ndimage.distance_transform_edt(~small_brain, sampling=cell) <= MARGIN_MM
    x, y, z = origin + cell * np.argwhere(small_brain).mean(axis=0)
    return Pair(
        fixed=itk_image(small, cell, origin),
        fixed_mask=itk_image(near.astype(np.uint8), cell, origin),
        moving=_moving(atlas, cell_mm),
        centre=(float(x), float(y), float(z)),
        cell_mm=cell_mm,
    )


def cost(pair: Pair, pose: Affine) -> float:
    """Return the negative mutual information in nats; lower is better.

    Args:
        pair: What is compared.
        pose: From the scan's frame to atlas millimetres.
    """
    import SimpleITK

    method = _method(pair, pose)
    method.SetInitialTransform(SimpleITK.AffineTransform(3))
    return float(method.MetricEvaluate(pair.fixed, pair.moving))


def climb(pair: Pair, pose: Affine, kind: str) -> tuple[float, Affine]:
    """Improve a pose by gradient steps, at most a quarter of a cell each.

    Args:
        pair: What is compared.
        pose: Where to begin, from the scan's frame to atlas millimetres.
        kind: `similarity` (rotation, shift, one scale) or `affine`.

    Returns:
        The cost and the pose; those of the beginning where nothing better was found.
    """
    import SimpleITK

    affine = kind == "affine"
    transform = SimpleITK.AffineTransform(3) if affine else SimpleITK.Similarity3DTransform()
    transform.SetCenter(pair.centre)
    method = _method(pair, pose)
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
    reached = pose @ _matrix(transform)
    before, after = cost(pair, pose), cost(pair, reached)
    logger.debug("%s at %.1f mm: %.4f to %.4f", kind, pair.cell_mm, before, after)
    return (after, reached) if after < before else (before, pose)


@lru_cache(maxsize=8)
def _moving(atlas: Atlas, cell_mm: float) -> Any:
    spacing = np.diag(atlas.affine)[:3]
    top = float(np.quantile(atlas.image[atlas.mask], 0.99))
    smooth = ndimage.gaussian_filter(np.clip(atlas.image / top, 0, 1), cell_mm / 3 / spacing)
    steps = block_sizes(atlas.image.shape, spacing, cell_mm / 2)
    origin = atlas.affine[:3, 3] + spacing * (np.array(steps) - 1) / 2
    return itk_image(block_mean(smooth, steps), spacing * steps, origin)


def _method(pair: Pair, pose: Affine) -> Any:
    import SimpleITK

    method = SimpleITK.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(N_BINS)
    method.SetMetricFixedMask(pair.fixed_mask)
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetMetricUseMovingImageGradientFilter(False)
    method.SetInterpolator(SimpleITK.sitkLinear)
    begin = SimpleITK.AffineTransform(3)
    begin.SetMatrix(pose[:3, :3].ravel().tolist())
    begin.SetTranslation(pose[:3, 3].tolist())
    method.SetMovingInitialTransform(begin)
    return method


def _matrix(transform: Any) -> Affine:
    """Return the 4x4 of any of ITK's linear transforms, its centre folded in."""
    centre = np.array(transform.GetCenter())
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = np.array(transform.GetTranslation()) + centre - matrix[:3, :3] @ centre
    return matrix
