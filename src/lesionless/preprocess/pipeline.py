"""Prepare one scan: strip, even out, align, resample, denoise, scale by the tissue."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import numpy as np
from scipy import ndimage

from lesionless.arrays import Affine, Mask, SliceMask, Slices, Volume, voxel_mm3
from lesionless.data.scan import Scan
from lesionless.errors import ScanError, UsageError
from lesionless.preprocess import grid as grids
from lesionless.preprocess import intensity, strip
from lesionless.preprocess.atlas import Atlas, load_atlas
from lesionless.preprocess.canonical import from_ras, ras_affine, ras_turn, to_ras
from lesionless.preprocess.contrast import FLAIR, contrast_doubts, contrast_figures
from lesionless.preprocess.prepared import Geometry, PreparedScan
from lesionless.preprocess.register import Registration, register, share_seen
from lesionless.preprocess.trim import trim_to_atlas

logger = logging.getLogger(__name__)

BOX_MARGIN = 8


@dataclass(frozen=True)
class PrepareSettings:
    """Say how scans are prepared; a model is used with the settings it was trained with.

    Attributes:
        strip: Skull-strip method, see `strip.brain_mask`.
        space: `mni152`, or the path of a stripped atlas image.
        slices: `all`, `mid` or `paper`, see `grid.select`.
        n4: Correct the bias field.
        curvature_iterations: Steps of curvature flow; 0 switches it off.
        matrix: Pixels per row of a 256 mm slice: 256 is 1 mm, 128 is 2 mm.
        threads: Threads per scan.
        device: Torch device of the strip network.

    Raises:
        UsageError: There is no such choice of slices, or a number is out of its range.
    """

    strip: str = "deepbet"
    space: str = "mni152"
    slices: str = "all"
    n4: bool = True
    curvature_iterations: int = 5
    matrix: int = 256
    threads: int = 1
    device: str = "cpu"

    def __post_init__(self) -> None:
        grids.check_slices(self.slices)
        if self.matrix < 1 or self.threads < 1 or self.curvature_iterations < 0:
            raise UsageError(
                "Expected at least one pixel per row, one thread and no negative number of steps "
                f"of curvature flow, found a matrix of {self.matrix}, {self.threads} threads and "
                f"{self.curvature_iterations} curvature iterations."
            )


@dataclass(frozen=True, eq=False)
class _Canonical:
    """Hold a scan with its axes reordered to right, anterior, superior."""

    image: Volume
    brain: Mask
    lesion: Mask | None
    affine: Affine
    to_scan: Affine

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        i, j, k = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(i), float(j), float(k)


def prepare_scan(
    scan: Scan,
    settings: PrepareSettings,
    *,
    lesion: Mask | None = None,
    brain: Mask | None = None,
    subject: str,
    name: str,
    contrast: str = FLAIR,
) -> PreparedScan:
    """Bring one scan to slices in atlas space with tissue-scaled intensity.

    Args:
        scan: The raw (or stripped) scan.
        settings: How.
        lesion: (i, j, k) reference lesions on the scan's grid.
        brain: (i, j, k) the user's brain mask on the scan's grid, instead of stripping.
        subject: The subject label, without `sub-`.
        name: The scan's name in the store.
        contrast: What the scan is taken for; whether it looks like that is checked for `FLAIR`.

    Raises:
        ScanError: The scan cannot be prepared; the message says which step failed and why.
    """
    clock = _Clock()
    atlas = load_atlas(settings.space)
    with clock.step("strip"):
        stripped = _stripped(scan, brain, settings)
    part = _canonical(scan, stripped.mask, lesion)
    is_standardised = intensity.is_standardised(part.image, part.brain)
    if is_standardised:
        part = replace(part, image=intensity.padded_below(part.image, part.brain))
    even, offset, rough = _even(part, settings, clock)
    with clock.step("register"):
        registration = register(even, part.brain, part.affine, atlas)
    if stripped.method != "mask":
        part = _without_leaks(part, registration, atlas)
    scan_brain = from_ras(part.brain, scan.affine)
    part, even = _as_registered(part, even, registration)
    to_atlas, n_slices = registration.scan_to_atlas @ part.affine, part.image.shape[2]
    grid = grids.grid_of(atlas, part.affine, to_atlas, n_slices, matrix=settings.matrix)
    with clock.step("resample"):
        brain_slices = grids.resample_mask(part.brain, grid)
        first, last = grids.select(grid, brain_slices, atlas, settings.slices)
        box = _box(brain_slices)
        raw = grids.resample(even, grid, box)[box]
    with clock.step("denoise"):
        image, tissue = _scaled(raw, brain_slices, box, part, settings)
    kept, grid = slice(first, last + 1), grid.cut(first, last)
    messages = [*_of_header(scan), *_messages(part, registration, is_standardised=is_standardised)]
    for message in messages:
        logger.warning("%s: %s", name, message)
    is_flair = contrast == FLAIR
    contrasts = _contrasts(image[kept], brain_slices[kept], grid, atlas, name) if is_flair else {}
    return PreparedScan(
        name=name,
        subject=subject,
        image=image[kept],
        brain=brain_slices[kept],
        lesion=None if part.lesion is None else grids.resample_lesion(part.lesion, grid),
        scan_brain=scan_brain,
        geometry=_geometry(scan, part, grid, atlas),
        offset=offset,
        scale=rough * tissue / intensity.TISSUE_LEVEL,
        quality=_quality(part, registration, atlas) | contrasts,
        record={
            "settings": asdict(settings),
            "strip": dict(stripped.record),
            "own_slices": grids.keeps_slices(part.affine),
            "messages": messages,
            "seconds": clock.seconds,
        },
    )


def _stripped(scan: Scan, brain: Mask | None, settings: PrepareSettings) -> strip.Stripped:
    return strip.brain_mask(
        scan,
        method=settings.strip,
        mask=brain,
        threads=settings.threads,
        device=settings.device,
    )


def _contrasts(
    image: Slices, brain: SliceMask, grid: grids.Grid, atlas: Atlas, name: str
) -> dict[str, float]:
    """Compare the tissues of a FLAIR, and name a scan that does not look like one."""
    figures = contrast_figures(image, brain, grid.index_to_atlas, atlas)
    for doubt in contrast_doubts(figures):
        logger.warning("%s: %s", name, doubt)
    return figures


class _Clock:
    """Keep the seconds of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 2)


def _canonical(scan: Scan, brain: Mask, lesion: Mask | None) -> _Canonical:
    affine = ras_affine(scan.image.shape, scan.affine)
    return _Canonical(
        image=to_ras(scan.image, scan.affine),
        brain=to_ras(brain, scan.affine),
        lesion=None if lesion is None else to_ras(lesion, scan.affine),
        affine=np.round(affine, 9),  # the same bits for every order of the axes
        to_scan=ras_turn(scan.image.shape, scan.affine),
    )


def _without_leaks(part: _Canonical, registration: Registration, atlas: Atlas) -> _Canonical:
    voxel_to_atlas = registration.scan_to_atlas @ part.affine
    return replace(part, brain=trim_to_atlas(part.brain, voxel_to_atlas, atlas))


def _as_registered(
    part: _Canonical, even: Volume, registration: Registration
) -> tuple[_Canonical, Volume]:
    """Reorder the axes once more where the alignment found the header's to be wrong."""
    to_atlas = registration.scan_to_atlas @ part.affine
    turn = ras_turn(part.image.shape, to_atlas)
    turned = _Canonical(
        image=to_ras(part.image, to_atlas),
        brain=to_ras(part.brain, to_atlas),
        lesion=None if part.lesion is None else to_ras(part.lesion, to_atlas),
        affine=part.affine @ turn,
        to_scan=part.to_scan @ turn,
    )
    return turned, to_ras(even, to_atlas)


def _even(
    part: _Canonical, settings: PrepareSettings, clock: _Clock
) -> tuple[Volume, float, float]:
    """Return the scan with air at 0, tissue near 1 and no bias; its offset; its rough scale."""
    offset = intensity.air_level(part.image, part.brain)
    rough = intensity.tissue_level(part.image, part.brain) - offset
    if rough <= 0:
        raise ScanError(
            f"Expected tissue brighter than its surroundings, found {rough + offset:.4g} inside "
            f"the brain mask and {offset:.4g} outside. Check the mask and the scan."
        )
    even = ((part.image - offset) / rough).astype(np.float32)
    if settings.n4:
        with clock.step("n4"):
            even = intensity.correct_bias(even, part.brain, part.spacing_mm)
    return even, offset, rough


def _scaled(
    raw: Slices,
    brain: SliceMask,
    box: grids.Part,
    part: _Canonical,
    settings: PrepareSettings,
) -> tuple[Slices, float]:
    """Return the denoised slices with tissue at its level, and what that level was."""
    smooth = intensity.smooth_by_curvature(
        raw,
        in_plane=grids.keeps_slices(part.affine),
        iterations=settings.curvature_iterations,
        threads=settings.threads,
    )
    tissue = intensity.tissue_level(smooth, brain[box])
    image = np.zeros(brain.shape, dtype=np.float32)
    image[box] = np.clip(smooth * (intensity.TISSUE_LEVEL / tissue), 0, 1) * brain[box]
    return image, tissue


def _box(mask: SliceMask) -> grids.Part:
    """Return the mask's bounding box, a little larger, so that no edge of it shows."""
    slices, rows, columns = (
        slice(max(0, side.start - BOX_MARGIN), side.stop + BOX_MARGIN)
        for side in ndimage.find_objects(mask.astype(np.uint8))[0]
    )
    return slices, rows, columns


def _geometry(scan: Scan, part: _Canonical, grid: grids.Grid, atlas: Atlas) -> Geometry:
    return Geometry(
        scan_shape=scan.image.shape,
        scan_affine=scan.affine,
        index_to_scan=part.to_scan @ grid.index_to_voxel,
        index_to_atlas=grid.index_to_atlas,
        atlas=atlas.name,
    )


def _quality(part: _Canonical, registration: Registration, atlas: Atlas) -> dict[str, float]:
    voxel_to_atlas = registration.scan_to_atlas @ part.affine
    voxel_ml = voxel_mm3(part.affine) / 1000
    return {
        "brain_ml": float(np.count_nonzero(part.brain) * voxel_ml),
        "registration_dice": registration.dice,
        "mutual_information": registration.mutual_information,
        "atlas_share_seen": share_seen(part.brain.shape, voxel_to_atlas, atlas),
        "largest_scale": registration.scales[0],
        "smallest_scale": registration.scales[2],
    }


def _of_header(scan: Scan) -> list[str]:
    """Return a warning where a header says nothing of how the axes lie."""
    if int(scan.header["sform_code"]) or int(scan.header["qform_code"]):
        return []
    return ["The header does not say how the axes lie: left and right may be exchanged."]


def _messages(part: _Canonical, registration: Registration, *, is_standardised: bool) -> list[str]:
    messages = [intensity.STANDARDISED] if is_standardised else []
    if not registration.trusts_header:
        messages.append("The axes do not lie as the header says; the alignment found how they do.")
    thickest = max(part.spacing_mm)
    if thickest > grids.THICKEST_RESAMPLED_MM and not grids.keeps_slices(part.affine):
        messages.append(f"Slices of {thickest:.1f} mm that are not axial: resampled to axial ones.")
    return messages
