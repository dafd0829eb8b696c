"""One phantom subject: anatomy, contrast, lesions and scanner put together."""

from dataclasses import dataclass

import numpy as np

from lesionless.arrays import Affine, Mask, Volume
from lesionless.data.phantom.acquisition import (
    Acquisition,
    add_rician_noise,
    bias_field,
    blur_in_plane,
)
from lesionless.data.phantom.anatomy import Tissue, load_tissue
from lesionless.data.phantom.contrast import Points, TissueAt, flair_signal
from lesionless.data.phantom.head import Head, draw_head
from lesionless.data.phantom.implant import implant
from lesionless.data.phantom.regions import Regions, load_regions
from lesionless.data.phantom.settings import DEFAULTS, PhantomSettings
from lesionless.data.phantom.skull import HeadAt, Skull, load_head, skull_signal
from lesionless.data.phantom.smooth_field import random_field


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
    generator: np.random.Generator, *, patient: bool, settings: PhantomSettings = DEFAULTS
) -> PhantomSubject:
    """Draw one subject.

    With the same generator, the healthy and the patient version share brain, scan and noise.

    Args:
        generator: Source of everything that is random; must be able to spawn.
        patient: Whether there are lesions.
        settings: What subjects and scans may look like.
    """
    for_head, for_contrast, for_lesions, for_scan, for_skull = generator.spawn(5)
    tissue, regions = load_tissue(settings.anatomy_mm), load_regions(max(2, settings.anatomy_mm))
    skull, acquisition = settings.skull, settings.acquisition
    near = regions.near_brain if skull is None else load_head(regions.spacing_mm).near
    whole = draw_head(for_head, regions, near, shape=settings.shape, acquisition=acquisition)
    head = whole if skull is None else whole.within(regions.near_brain, regions.lattice)
    variation = random_field(for_contrast, spacing_mm=14, channels=2).on(head.axes)[:, head.near]
    tissue_at, share = _tissue_at(head, tissue, regions)
    signal = flair_signal(for_contrast, tissue_at, variation, contrast=settings.contrast)
    inside = head.spread(share, outside=0)
    brain = head.on_scan(head.grid.by_slice(inside >= 0.5).mean(axis=-1) >= 0.5)
    samples = head.spread(signal.healthy, outside=signal.fluid_level)
    lesion = np.zeros_like(brain)
    if patient:
        lesion = implant(for_lesions, head, regions, signal, samples, settings.lesions) & brain
    if skull is not None:
        around = _around(for_skull, whole, regions.spacing_mm, skull, signal.fluid_level)
        samples = inside * samples + (1 - inside) * around
    image = _acquire(for_scan, head, samples, acquisition)
    return PhantomSubject(
        image=image * brain if skull is None else image,
        lesion=lesion,
        brain=brain,
        affine=head.grid.affine,
        thickness_mm=head.grid.thickness_mm,
    )


def _tissue_at(head: Head, tissue: Tissue, regions: Regions) -> tuple[TissueAt, Points]:
    """Return the average tissue at the samples of a head, and how much of it is brain."""
    maps = (tissue.grey, tissue.white, tissue.t1, tissue.sulcus, tissue.inside)
    grey, white, t1, sulcus, inside = head.look_up(maps, tissue.lattice)
    (cap,) = head.look_up([regions.cap], regions.lattice)
    return TissueAt(grey=grey, white=white, t1=t1, sulcus=sulcus, cap=cap), inside


def _around(
    generator: np.random.Generator, whole: Head, spacing_mm: int, skull: Skull, fluid_level: float
) -> Volume:
    """Return the signal of the head without its brain, and of the air around it."""
    average = load_head(spacing_mm)
    head = whole.within(average.around, average.lattice)
    maps = (average.outside_mm, average.face_mm, average.eye_mm)
    outside_mm, face_mm, eye_mm = head.look_up(maps, average.lattice)
    at = HeadAt(outside_mm=outside_mm, face_mm=face_mm, eye_mm=eye_mm)
    texture = random_field(generator, spacing_mm=7, channels=2).on(head.axes)[:, head.near]
    signal = skull_signal(generator, at, texture, skull=skull, fluid_level=fluid_level)
    return head.spread(signal, outside=0)


def _acquire(
    generator: np.random.Generator, head: Head, samples: Volume, acquisition: Acquisition
) -> Volume:
    """Scan the samples: average slabs, blur, shade, add noise, round to scanner units."""
    draw = generator.uniform
    grid = head.grid
    sharp = grid.by_slice(samples).mean(axis=-1)
    blurred = blur_in_plane(sharp, draw(*acquisition.blur_mm) / grid.in_plane_mm)
    shaded = head.on_scan(blurred) * bias_field(generator, grid, spread=draw(*acquisition.bias))
    noisy = add_rician_noise(generator, shaded, spread=draw(*acquisition.noise))
    return np.asarray(np.rint(draw(*acquisition.gain) * noisy), dtype=np.float32)
