"""One phantom subject: anatomy, contrast, lesions and scanner put together."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from lesionless.arrays import Affine, Mask, Volume
from lesionless.data.phantom.acquisition import (
    Acquisition,
    add_rician_noise,
    bias_field,
    blur_in_plane,
)
from lesionless.data.phantom.anatomy import load_tissue
from lesionless.data.phantom.contrast import Contrast, Signal, TissueAt, flair_signal
from lesionless.data.phantom.deformation import Shape
from lesionless.data.phantom.head import Head, draw_head
from lesionless.data.phantom.lesions import (
    OUTSIDE_MM,
    Lesions,
    Site,
    membership,
    place_lesions,
)
from lesionless.data.phantom.regions import Regions, load_regions
from lesionless.data.phantom.smooth_field import random_field


@dataclass(frozen=True)
class PhantomSettings:
    """Hold everything that can be chosen about phantoms.

    Attributes:
        shape: How much heads differ.
        contrast: How much the signal of tissue differs.
        lesions: What lesions look like.
        acquisition: How scans are taken.
        anatomy_mm: Resolution of the average anatomy: 1, 2, or 4 (for tests).
        skull: Whether the head around the brain is there.
    """

    shape: Shape = field(default_factory=Shape)
    contrast: Contrast = field(default_factory=Contrast)
    lesions: Lesions = field(default_factory=Lesions)
    acquisition: Acquisition = field(default_factory=Acquisition)
    anatomy_mm: int = 1
    skull: bool = False


DEFAULTS = PhantomSettings()
"""What phantoms look like unless asked otherwise."""


@dataclass(frozen=True, eq=False)
class PhantomSubject:
    """Hold one scan and its truth, all on the scan's grid.

    Attributes:
        image: FLAIR in scanner units, whole numbers; 0 outside the brain where it is stripped.
        lesion: Exact lesions; empty for a healthy subject.
        brain: The brain with the CSF inside its outline.
        affine: From voxel index to scanner mm, RAS+.
        thickness_mm: Slice thickness.
    """

    image: Volume
    lesion: Mask
    brain: Mask
    affine: Affine
    thickness_mm: float


def phantom_subject(
    generator: np.random.Generator,
    *,
    patient: bool,
    settings: PhantomSettings = DEFAULTS,
) -> PhantomSubject:
    """Draw one subject.

    With the same generator, the healthy and the patient version share brain, scan and noise.

    Args:
        generator: Source of everything that is random; must be able to spawn.
        patient: Whether there are lesions.
        settings: What subjects and scans may look like.
    """
    for_head, for_contrast, for_lesions, for_scan = generator.spawn(4)
    regions = load_regions(max(2, settings.anatomy_mm))
    head = draw_head(for_head, regions, shape=settings.shape, acquisition=settings.acquisition)
    tissue = _tissue_at(head, regions, settings.anatomy_mm)
    variation = random_field(for_contrast, spacing_mm=14, channels=2).on(head.axes)[:, head.near]
    signal = flair_signal(for_contrast, tissue, variation, contrast=settings.contrast)
    brain = _brain(head, settings.anatomy_mm)
    lesion = np.zeros_like(brain)
    samples = head.spread(signal.healthy, outside=signal.fluid_level)
    if patient:
        lesion = _add_lesions(for_lesions, head, regions, signal, samples, settings.lesions)
    image = _acquire(for_scan, head, samples, settings.acquisition)
    return PhantomSubject(
        image=image * brain,
        lesion=lesion & brain,
        brain=brain,
        affine=head.grid.affine,
        thickness_mm=head.grid.thickness_mm,
    )


def _tissue_at(head: Head, regions: Regions, anatomy_mm: int) -> TissueAt:
    tissue = load_tissue(anatomy_mm)
    return TissueAt(
        grey=head.look_up(tissue.grey, tissue.lattice),
        white=head.look_up(tissue.white, tissue.lattice),
        t1=head.look_up(tissue.t1, tissue.lattice),
        cap=head.look_up(regions.cap, regions.lattice),
    )


def _brain(head: Head, anatomy_mm: int) -> Mask:
    tissue = load_tissue(anatomy_mm)
    inside = head.look_up(tissue.brain.astype(np.float32), tissue.lattice) >= 0.5
    samples = head.spread(inside, outside=0)
    return _on_scan(head, head.grid.by_slice(samples).mean(axis=-1)) >= 0.5


def _add_lesions(
    generator: np.random.Generator,
    head: Head,
    regions: Regions,
    signal: Signal,
    samples: Volume,
    lesions: Lesions,
) -> Mask:
    """Brighten the lesions in `samples` and return their mask on the scan's grid."""
    low, high = np.log(lesions.load_ml)
    load_ml = float(np.exp(generator.uniform(low, high)))
    site = _site(generator, head, regions, signal)
    field = place_lesions(generator, site, load_ml=load_ml, lesions=lesions)
    mask, threshold_mm = _exact_mask(head, field.depth_mm, load_ml)
    inside = membership(field.depth_mm - threshold_mm, generator.uniform(*lesions.edge_mm))
    # even over bright tissue, a lesion is brighter than what it lies in
    samples += inside * np.maximum(field.level - samples, 0.15)
    return mask


def _site(generator: np.random.Generator, head: Head, regions: Regions, signal: Signal) -> Site:
    i, j, k = head.nearest(regions.lattice)
    white = head.spread(signal.white, outside=0)
    return Site(
        spacing_mm=head.grid.spacing_mm,
        white=white,
        bumps=random_field(generator, spacing_mm=4).on(head.axes),
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
    return _on_scan(head, median_mm >= threshold_mm), threshold_mm


def _acquire(
    generator: np.random.Generator, head: Head, samples: Volume, acquisition: Acquisition
) -> Volume:
    """Scan the samples: average slabs, blur, shade, add noise, round to scanner units."""
    draw = generator.uniform
    grid = head.grid
    sharp = grid.by_slice(samples).mean(axis=-1)
    blurred = blur_in_plane(sharp, draw(*acquisition.blur_mm) / grid.in_plane_mm)
    whole = _on_scan(head, blurred)
    shaded = whole * bias_field(generator, grid, spread=draw(*acquisition.bias))
    noisy = add_rician_noise(generator, shaded, spread=draw(*acquisition.noise))
    return np.asarray(np.rint(draw(*acquisition.gain) * noisy), dtype=np.float32)


def _on_scan(head: Head, box: Float[np.ndarray, "i j k"]) -> Float[np.ndarray, "i j k"]:
    """Put the box into the scan's field of view, 0 around it."""
    grid = head.grid
    whole = np.zeros((grid.matrix, grid.matrix, grid.n_slices), dtype=box.dtype)
    whole[head.box[0], head.box[1]] = box
    return whole
