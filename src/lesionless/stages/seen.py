"""Which part of a scan `segment` saw, from what it wrote beside the anomaly map."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lesionless.arrays import Affine, Mask
from lesionless.data.bids import name_of, output_name, parse_name
from lesionless.data.scan import Scan
from lesionless.data.transforms import read_transform
from lesionless.errors import ScanError, UsageError
from lesionless.preprocess import grid as grids
from lesionless.preprocess.atlas import Atlas, load_atlas
from lesionless.preprocess.canonical import ras_turn, to_ras
from lesionless.preprocess.prepared import Geometry, to_scan_grid

ALL_SLICES = "all"
XFM = "_xfm.txt"


def seen_part(score_map: Scan, brain: Mask) -> Mask:
    """Return the slices that `segment` looked at; the others hold 0, which is no score.

    All of the grid was seen where `segment` took all slices, and where nothing beside the map says
    what was taken, as for the maps of other tools.

    Args:
        score_map: An anomaly map, read from its folder.
        brain: (i, j, k) brain mask on its grid.

    Returns:
        (i, j, k) mask, the same that `segment` came to.

    Raises:
        ScanError: Only some slices were segmented, and a file that says where they lie is missing
            or broken, or no slice with brain is among them.
    """
    settings = _settings(score_map.path)
    if settings.get("slices", ALL_SLICES) == ALL_SLICES:
        return np.ones(score_map.image.shape, dtype=bool)
    atlas = _atlas(settings["space"], score_map.path)
    scan_to_atlas = read_transform(_beside(score_map.path, {"from": "orig", "to": atlas.name}, XFM))
    return _slab(score_map, brain, scan_to_atlas @ score_map.affine, atlas, settings)


def _slab(
    scan: Scan, brain: Mask, voxel_to_atlas: Affine, atlas: Atlas, settings: Mapping[str, Any]
) -> Mask:
    """Choose slices as `prepare_scan` does, and return where they lie on the scan's grid."""
    turn, turned = ras_turn(brain.shape, voxel_to_atlas), to_ras(brain, voxel_to_atlas)
    own, to_atlas = scan.affine @ turn, voxel_to_atlas @ turn
    grid = grids.grid_of(atlas, own, to_atlas, turned.shape[2], matrix=settings["matrix"])
    brain_slices = grids.resample_mask(turned, grid)
    kept = grid.cut(*grids.select(grid, brain_slices, atlas, settings["slices"]))
    geometry = Geometry(
        scan_shape=scan.image.shape,
        scan_affine=scan.affine,
        index_to_scan=turn @ kept.index_to_voxel,
        index_to_atlas=kept.index_to_atlas,
        atlas=atlas.name,
    )
    return np.asarray(to_scan_grid(np.ones(kept.shape), geometry, order=0) > 0)


def _settings(path: Path) -> Mapping[str, Any]:
    """Return how the scan of one of our maps was prepared; nothing where that is not recorded."""
    name = parse_name(path.name)
    if name is None or name.get("desc") != "anomaly":
        return {}
    sidecar = _beside(path, {"space": name.get("space") or "orig", "desc": "brain"}, "_mask.json")
    if not sidecar.exists():
        return {}
    try:
        about = json.loads(sidecar.read_text(encoding="utf-8"))
        return dict(about.get("Preparation", {}).get("settings", {}))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ScanError(
            f"{sidecar}: expected how the scan was prepared, found {type(error).__name__}: "
            f"{error}. Segment the scan again with --overwrite."
        ) from error


def _beside(path: Path, entities: Mapping[str, str], ending: str) -> Path:
    """Return another output of the scan."""
    return path.with_name(output_name(name_of(path), entities, ending))


def _atlas(space: str, path: Path) -> Atlas:
    try:
        return load_atlas(space)
    except UsageError as error:
        raise ScanError(
            f"{path}: expected the atlas that its slices were chosen in. {error}"
        ) from error
