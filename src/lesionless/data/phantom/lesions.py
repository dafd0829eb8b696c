"""MS-like lesions: where they lie, how large they are, what shape they have."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from lesionless.arrays import Volume
from lesionless.data.phantom.deformation import Range
from lesionless.data.phantom.regions import ZONES

OUTSIDE_MM = -20.0
"""Depth of voxels that no lesion is near."""

_MIN_RADIUS_MM = 1.2
# relative size per zone, in the order of ZONES: the large ones lie at the ventricles
_ZONE_SIZE = (1.3, 0.8, 1.0, 0.9)


@dataclass(frozen=True)
class Lesions:
    """Say how many lesions a patient has and what they look like.

    Attributes:
        load_ml: Total volume, drawn log-uniformly.
        zones: Chance of each zone, in the order of `ZONES`.
        radius_mm: Median radius at a load of 10 ml; it grows slowly with the load.
        radius_spread: Spread of the logarithm of the radius: many are small and few large.
        max_radius_mm: Largest radius.
        irregular: Size of the bumps of the outline relative to the radius.
        level: Signal relative to white matter, one per patient.
        level_spread: Spread of the signal between the lesions of a patient.
        edge_mm: Half the width of the soft edge.
    """

    load_ml: Range = (1.0, 50.0)
    zones: tuple[float, float, float, float] = (0.42, 0.22, 0.28, 0.08)
    radius_mm: float = 2.0
    radius_spread: float = 0.55
    max_radius_mm: float = 12.0
    irregular: float = 0.4
    level: Range = (1.35, 1.75)
    level_spread: float = 0.06
    edge_mm: Range = (0.8, 1.8)


@dataclass(frozen=True, eq=False)
class Site:
    """Hold what lesions need to know of a head: a grid, and the points of the brain on it.

    Attributes:
        spacing_mm: Voxel size along each axis of the grid.
        white: Fraction of white matter, 0 outside the brain.
        bumps: Smooth normal field of spread 1 that makes outlines irregular.
        points: (3, n) voxel indices inside the brain.
        zone: Lesion zone at the points, see `ZONES`.
        outward: (3, n) direction away from the ventricles at the points.
    """

    spacing_mm: Float[np.ndarray, "3"]
    white: Volume
    bumps: Volume
    points: Int[np.ndarray, "3 n"]
    zone: Int[np.ndarray, " n"]
    outward: Float[np.ndarray, "3 n"]


@dataclass(frozen=True, eq=False)
class LesionField:
    """Hold all lesions of a patient on a grid.

    Attributes:
        depth_mm: How deep inside a lesion a voxel lies; negative outside.
        level: Signal, relative to white matter, of the lesion that a voxel is in or nearest to.
    """

    depth_mm: Volume
    level: Volume


def place_lesions(
    generator: np.random.Generator, site: Site, *, load_ml: float, lesions: Lesions
) -> LesionField:
    """Place lesions until their total volume reaches `load_ml` (and a little more).

    Args:
        generator: Source of randomness.
        site: The head.
        load_ml: Volume to reach.
        lesions: What lesions look like.
    """
    field = LesionField(
        depth_mm=np.full(site.white.shape, OUTSIDE_MM, np.float32),
        level=np.ones(site.white.shape, np.float32),
    )
    candidates = [np.flatnonzero(site.zone == k + 1) for k in range(len(ZONES))]
    chance = np.array([p * bool(len(c)) for p, c in zip(lesions.zones, candidates, strict=True)])
    patient_level = generator.uniform(*lesions.level)
    missing = load_ml * 1000 / float(np.prod(site.spacing_mm))
    while missing > 0:
        zone = int(generator.choice(len(ZONES), p=chance / chance.sum()))
        point = int(generator.choice(candidates[zone]))
        room_mm = _radius_of(missing * float(np.prod(site.spacing_mm)))
        radius_mm = min(_draw_radius(generator, zone, load_ml, lesions), 1.2 * room_mm + 1)
        level = patient_level + generator.normal(0, lesions.level_spread)
        frame = _draw_frame(generator, site.outward[:, point], is_finger=zone == 0)
        missing -= _add(field, site, point, radius_mm, frame, level, lesions.irregular)
    return field


def membership(depth_mm: Float[np.ndarray, "..."], edge_mm: float) -> Float[np.ndarray, "..."]:
    """Return the soft fraction of lesion: 0.5 at depth 0, 1 at `edge_mm` inside."""
    t = np.clip(depth_mm / (2 * edge_mm) + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _radius_of(volume_mm3: float) -> float:
    return float((volume_mm3 * 3 / (4 * np.pi)) ** (1 / 3))


def _draw_radius(
    generator: np.random.Generator, zone: int, load_ml: float, lesions: Lesions
) -> float:
    median = lesions.radius_mm * (load_ml / 10) ** 0.25 * _ZONE_SIZE[zone]
    radius = median * np.exp(generator.normal(0, lesions.radius_spread))
    return float(np.clip(radius, _MIN_RADIUS_MM, lesions.max_radius_mm))


def _draw_frame(
    generator: np.random.Generator, outward: Float[np.ndarray, "3"], *, is_finger: bool
) -> Float[np.ndarray, "3 3"]:
    """Draw the matrix from mm to units of the radius; fingers point away from the ventricles."""
    axes = generator.normal(size=(3, 3))
    stretch = generator.uniform(0.75, 1.3, size=3)
    if is_finger:
        axes[:, 0] = outward + 1e-6 * axes[:, 0]
        stretch[0] *= generator.uniform(1.0, 1.9)
    orthogonal, _ = np.linalg.qr(axes)
    return np.asarray(orthogonal.T / stretch[:, None], dtype=np.float32)


def _add(
    field: LesionField,
    site: Site,
    point: int,
    radius_mm: float,
    frame: Float[np.ndarray, "3 3"],
    level: float,
    irregular: float,
) -> int:
    """Merge one lesion into the field and return the number of voxels gained."""
    centre = site.points[:, point]
    reach = np.ceil((1.9 * radius_mm + 4) / site.spacing_mm).astype(int)
    low = np.maximum(centre - reach, 0)
    high = np.minimum(centre + reach + 1, site.white.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    offsets = [
        ((np.arange(a, b) - c) * mm).astype(np.float32)
        for a, b, c, mm in zip(low, high, centre, site.spacing_mm, strict=True)
    ]
    x = np.stack(np.meshgrid(*offsets, indexing="ij"))
    distance = np.linalg.norm(np.tensordot(frame, x, axes=1), axis=0) / radius_mm
    depth = radius_mm * (1 - distance + irregular * site.bumps[box])
    # a lesion keeps to the white matter and its border
    depth = np.minimum(depth, 8 * (site.white[box] - 0.45))
    old = field.depth_mm[box]
    gained = np.count_nonzero((depth > 0) & (old <= 0))
    field.level[box] = np.where(depth > old, level, field.level[box])
    field.depth_mm[box] = np.maximum(depth, old)
    return int(gained)
