"""Scans to choose on: patterns of labelled lesions, put into scans that have none.

A pattern is all lesions of one labelled patient, in their own shape, number and place of the atlas;
brightness is drawn, about as in training. Nothing learns from these scans; but who chooses between
ways of training with them has been helped by labels, and should say so. `runs/choose.py` judges
models on them.

Usage: python runs/patterns.py MASKS LEFT_OUT PREPARED PART PER_SCAN OUT, where MASKS is a BIDS tree
of lesion masks in atlas space, LEFT_OUT the subjects that are judged themselves, joined by commas,
PART the split of PREPARED that receives patterns (`val`, or `all` for a store without any lesion),
and PER_SCAN how many patterns each scan receives, one at a time. Scans whose pattern leaves fewer
than 150 voxels of lesion are not written.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from lesionless import store
from lesionless.arrays import SliceMask, Slices
from lesionless.data.folders import find_masks
from lesionless.errors import UsageError
from lesionless.models.corruption import FLUID, SHORE, tissue_around
from lesionless.preprocess.prepared import PreparedScan
from lesionless.stages.normals import Normals, NormalsSettings

SEED = 7
FEWEST_VOXELS = 150
BESIDE_MM = 15.0
SOFT_MM = 0.7  # labelled outlines are sharp, lesions are not
CONTRAST, SPREAD = 0.45, 0.35  # of a patient's lesions: median, spread of the logarithm
AMONG_LESIONS = 0.3  # spread of the logarithm among the lesions of a patient
LIMITS = (0.1, 1.3)


def receivers(prepared: Path, part: str) -> Iterator[PreparedScan]:
    """Yield the scans that receive patterns, without the tissue beside their own lesions."""
    if part == "all":
        return store.scans(prepared)
    settings = NormalsSettings(beside_lesions_mm=BESIDE_MM)
    return (normal.scan for normal in Normals(prepared, part, settings))


def pattern(
    generator: np.random.Generator, path: Path, scan: PreparedScan
) -> tuple[Slices, Slices]:
    """Return the share of lesion in each voxel of a scan, and how bright the nearest lesion is.

    The share is the mean over the thickness of a slice.
    """
    image = nib.load(path)
    lesion = np.asarray(image.dataobj) > 0
    labelled, count = ndimage.label(lesion, np.ones((3, 3, 3)))
    contrast = np.exp(generator.normal(np.log(CONTRAST), SPREAD))
    each = contrast * np.exp(generator.normal(0, AMONG_LESIONS, count + 1))
    nearest = ndimage.distance_transform_edt(
        labelled == 0, return_distances=False, return_indices=True
    )
    bright = np.clip(each, *LIMITS)[labelled[tuple(nearest)]]
    soft = ndimage.gaussian_filter(lesion.astype(np.float32), SOFT_MM)
    to_mask = np.linalg.inv(image.affine) @ scan.geometry.index_to_atlas
    layers = max(1, round(float(np.linalg.norm(scan.geometry.index_to_atlas[:3, 0]))))
    across = (np.arange(layers) + 0.5) / layers - 0.5
    share = np.mean([_at(soft, to_mask, scan.image.shape, by, order=1) for by in across], axis=0)
    return share, _at(bright, to_mask, scan.image.shape, 0.0, order=0)


def _at(
    volume: np.ndarray, to_mask: np.ndarray, shape: tuple[int, ...], across: float, *, order: int
) -> Slices:
    """Sample a volume at the voxels of a scan, `across` slices above their centres."""
    offset = to_mask[:3, 3] + to_mask[:3, 0] * across
    return ndimage.affine_transform(volume, to_mask[:3, :3], offset, shape, order=order)


def with_lesions(scan: PreparedScan, share: Slices, contrast: Slices) -> tuple[Slices, SliceMask]:
    """Brighten a scan where its pattern says so; its noise stays."""
    pixel_mm = float(np.linalg.norm(scan.geometry.index_to_atlas[:3, 1]))
    base = np.stack([tissue_around(x, pixel_mm) for x in scan.image])
    quiet = ndimage.gaussian_filter(scan.image, (0, 1, 1))
    tissue = np.clip((scan.image - FLUID) / SHORE, 0, 1) * scan.brain
    excess = share * np.maximum(base * (1 + contrast) - quiet, 0) * tissue
    image = np.clip(scan.image + excess, 0, 1) * scan.brain
    return image.astype(np.float32), (share > 0.5) & (tissue > 0.5)


def main(masks: Path, left_out: str, prepared: Path, part: str, per_scan: int, out: Path) -> None:
    """Write a store of scans with patterns."""
    apart = {label.strip().removeprefix("sub-") for label in left_out.split(",")}
    found = find_masks(masks)
    used = [mask for mask in found if mask.name.subject not in apart]
    if apart - {mask.name.subject for mask in found} or not used:
        raise UsageError(f"{masks}: expected masks of {left_out} and of others. Check the labels.")
    drawn = 0
    for scan in receivers(prepared, part):
        for _ in range(per_scan):
            generator = np.random.default_rng([SEED, drawn])
            mask = used[(5 * drawn + 3) % len(used)]
            drawn += 1
            image, lesion = with_lesions(scan, *pattern(generator, mask.path, scan))
            if lesion.sum() >= FEWEST_VOXELS:
                name = f"{scan.name}-{mask.name.subject}"
                store.save(out, replace(scan, name=name, image=image, lesion=lesion))


if __name__ == "__main__":
    masks, left_out, prepared, part, per_scan, out = sys.argv[1:]
    main(Path(masks), left_out, Path(prepared), part, int(per_scan), Path(out))
