"""Put lesions into a head, and cut the exact mask of them on the scan's own grid."""

import numpy as np

from lesionless.arrays import Mask, Volume
from lesionless.data.phantom.contrast import Signal
from lesionless.data.phantom.head import Head
from lesionless.data.phantom.lesions import OUTSIDE_MM, Lesions, Site, membership, place_lesions
from lesionless.data.phantom.regions import Regions
from lesionless.data.phantom.smooth_field import random_field


def implant(
    generator: np.random.Generator,
    head: Head,
    regions: Regions,
    signal: Signal,
    samples: Volume,
    lesions: Lesions,
) -> Mask:
    """Brighten the lesions of a patient in `samples`.

    Args:
        generator: Source of randomness.
        head: The patient's head.
        regions: The average brain's places.
        signal: The signal without lesions.
        samples: The signal on the samples of the head's box; changed in place.
        lesions: What lesions look like.

    Returns:
        The exact lesions on the scan's grid.
    """
    low, high = np.log(lesions.load_ml)
    load_ml = float(np.exp(generator.uniform(low, high)))
    site = _site(generator, head, regions, signal)
    field = place_lesions(generator, site, load_ml=load_ml, lesions=lesions)
    mask, threshold_mm = _exact_mask(head, field.depth_mm, load_ml)
    edge_mm = generator.uniform(*lesions.edge_mm)
    touched = field.depth_mm > threshold_mm - edge_mm
    depth_mm, before = field.depth_mm[touched] - threshold_mm, samples[touched]
    brightness = field.level[touched] * (
        1 + 0.04 * site.bumps[touched] + 0.03 * np.clip(depth_mm, -2, 4)
    )
    # even over bright tissue, a lesion is brighter than what it lies in
    samples[touched] += membership(depth_mm, edge_mm) * np.maximum(brightness - before, 0.15)
    return mask


def _site(generator: np.random.Generator, head: Head, regions: Regions, signal: Signal) -> Site:
    i, j, k = head.nearest(regions.lattice)
    white = head.spread(signal.white, outside=0)
    return Site(
        spacing_mm=head.grid.spacing_mm,
        white=white,
        bumps=0.8 * random_field(generator, spacing_mm=3.5).on(head.axes)
        + 0.6 * random_field(generator, spacing_mm=9).on(head.axes),
        points=np.stack(np.nonzero(head.near)),
        zone=np.where(signal.white > 0.6, regions.zone[i, j, k], 0),
        outward=regions.outward[:, i, j, k],
    )


def _exact_mask(head: Head, depth_mm: Volume, load_ml: float) -> tuple[Mask, float]:
    """Cut the lesions at the depth that gives the load, by voxels at least half lesion.

    A voxel is at least half lesion when the median of its samples lies inside.
    """
    by_slice = head.grid.by_slice(depth_mm)
    n_half = (head.grid.n_subslices + 1) // 2
    median_mm = np.sort(by_slice, axis=-1)[..., -n_half]
    n_voxels = max(1, round(load_ml / head.grid.voxel_ml))
    deepest_mm = np.sort(median_mm[median_mm > OUTSIDE_MM])[::-1]
    threshold_mm = float(deepest_mm[:n_voxels][-1])
    return head.on_scan(median_mm >= threshold_mm), threshold_mm
