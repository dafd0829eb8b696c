"""Prepare one scan: strip, even out, denoise, align, resample, scale by the tissue."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lesionless.arrays import Affine, Mask, Volume
from lesionless.data.scan import Scan
from lesionless.errors import UsageError
from lesionless.preprocess import grid as grids
from lesionless.preprocess import intensity, strip
from lesionless.preprocess.atlas import Atlas, load_atlas
from lesionless.preprocess.canonical import ras_affine, to_ras
from lesionless.preprocess.prepared import Geometry, PreparedScan
from lesionless.preprocess.register import Registration, register


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
        if self.slices not in grids.SLICES:
            raise UsageError(
                f"Expected slices to be one of {', '.join(grids.SLICES)}, found {self.slices!r}."
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
) -> PreparedScan:
    """Bring one scan to slices in atlas space with tissue-scaled intensity.

    Args:
        scan: The raw (or stripped) scan.
        settings: How.
        lesion: (i, j, k) reference lesions on the scan's grid.
        brain: (i, j, k) the user's brain mask on the scan's grid, instead of stripping.
        subject: The subject label, without `sub-`.
        name: The scan's name in the store.

    Raises:
        ScanError: The scan cannot be prepared; the message says which step failed and why.
    """
    clock = _Clock()
    atlas = load_atlas(settings.space)
    with clock.step("strip"):
        stripped = strip.brain_mask(
            scan,
            method=settings.strip,
            mask=brain,
            threads=settings.threads,
            device=settings.device,
        )
    part = _canonical(scan, stripped.mask, lesion)
    even, offset, scale = _even(part, settings, clock)
    with clock.step("register"):
        registration = register(even, part.brain, part.affine, atlas)
    with clock.step("resample"):
        grid, lies_thick = _grid(part, registration, atlas, settings)
        image = intensity.TISSUE_LEVEL * grids.resample(even, grid, order=1)
        brain_slices = grids.resample(part.brain, grid, order=1) > 0.5
        first, last = grids.select(grid, brain_slices, atlas, settings.slices)
    kept = slice(first, last + 1)
    image = np.where(brain_slices, np.clip(image, 0, 1), 0)[kept]
    grid = grid.cut(first, last)
    return PreparedScan(
        name=name,
        subject=subject,
        image=image,
        brain=brain_slices[kept],
        lesion=None if part.lesion is None else grids.resample(part.lesion, grid, order=0) > 0.5,
        scan_brain=stripped.mask,
        geometry=_geometry(scan, part, grid, atlas),
        offset=offset,
        scale=scale,
        quality=_quality(part, registration),
        record={
            "settings": asdict(settings),
            "strip": dict(stripped.record),
            "own_slices": lies_thick,
            "seconds": clock.seconds,
        },
    )


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
        affine=affine,
        to_scan=np.round(np.linalg.inv(scan.affine) @ affine),
    )


def _even(
    part: _Canonical, settings: PrepareSettings, clock: _Clock
) -> tuple[Volume, float, float]:
    """Return the scan with air at 0 and tissue at 1, denoised, and the way back."""
    offset = intensity.air_level(part.image, part.brain)
    rough = intensity.tissue_level(part.image, part.brain) - offset
    even = ((part.image - offset) / rough).astype(np.float32)
    if settings.n4:
        with clock.step("n4"):
            even = intensity.correct_bias(
                even, part.brain, part.spacing_mm, threads=settings.threads
            )
    with clock.step("denoise"):
        even = intensity.smooth_by_curvature(
            even,
            in_plane=grids.keeps_slices(part.affine),
            iterations=settings.curvature_iterations,
            threads=settings.threads,
        )
    tissue = intensity.tissue_level(even, part.brain)
    return even / tissue, offset, rough * tissue / intensity.TISSUE_LEVEL


def _grid(
    part: _Canonical, registration: Registration, atlas: Atlas, settings: PrepareSettings
) -> tuple[grids.Grid, bool]:
    voxel_to_atlas = registration.scan_to_atlas @ part.affine
    if grids.keeps_slices(part.affine):
        n_slices = part.image.shape[2]
        return grids.own_slices_grid(atlas, voxel_to_atlas, n_slices, matrix=settings.matrix), True
    return grids.atlas_grid(atlas, voxel_to_atlas, matrix=settings.matrix), False


def _geometry(scan: Scan, part: _Canonical, grid: grids.Grid, atlas: Atlas) -> Geometry:
    return Geometry(
        scan_shape=scan.image.shape,
        scan_affine=scan.affine,
        index_to_scan=part.to_scan @ grid.index_to_voxel,
        index_to_atlas=grid.index_to_atlas,
        atlas=atlas.name,
    )


def _quality(part: _Canonical, registration: Registration) -> dict[str, Any]:
    voxel_ml = abs(np.linalg.det(part.affine[:3, :3])) / 1000
    return {
        "brain_ml": float(np.count_nonzero(part.brain) * voxel_ml),
        "registration_dice": registration.dice,
        "mutual_information": registration.mutual_information,
    }
