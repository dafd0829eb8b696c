"""The average anatomy and its places."""

import numpy as np
import pytest

from lesionless.data.phantom.anatomy import block_mean, load_tissue, valleys
from lesionless.data.phantom.regions import ZONES, load_regions
from lesionless.data.phantom.skull import load_head
from lesionless.errors import UsageError


def _voxel(mm: tuple[float, float, float]) -> tuple[int, ...]:
    index = load_tissue(4).lattice.index(np.array(mm))
    return tuple(np.rint(index).astype(int))


def test_maps_are_fractions() -> None:
    tissue = load_tissue(4)
    for part in (tissue.grey, tissue.white, tissue.t1):
        assert part.min() >= 0
        assert part.max() <= 1
    assert (tissue.grey + tissue.white).max() <= 1.01


def test_coarse_maps_lie_where_the_fine_ones_do() -> None:
    centres = []
    for spacing_mm in (2, 4):
        tissue = load_tissue(spacing_mm)
        sums = (tissue.white.sum(axis=axes) for axes in ((1, 2), (0, 2), (0, 1)))
        pairs = zip(tissue.lattice.axes(), sums, strict=True)
        centres.append([np.average(axis, weights=weights) for axis, weights in pairs])
    assert centres[0] == pytest.approx(centres[1], abs=0.5)
    assert centres[0][0] == pytest.approx(0, abs=0.1)  # the template is symmetric


def test_known_places_have_the_right_tissue_and_zone() -> None:
    tissue, regions = load_tissue(4), load_regions(4)
    assert tissue.white[_voxel((28, -14, 32))] > 0.9  # centrum semiovale
    assert tissue.grey[_voxel((12, 10, 10))] > 0.9  # caudate
    assert tissue.grey[_voxel((2, 40, 4))] > 0.9  # cingulate cortex
    assert regions.zone[_voxel((28, -14, 36))] == ZONES.index("deep") + 1
    assert regions.zone[_voxel((12, 10, 10))] == 0
    for zone in range(len(ZONES)):
        assert np.count_nonzero(regions.zone == zone + 1) > 50
    assert tissue.white[regions.zone > 0].min() > 0.5


def test_the_cerebellum_is_infratentorial_and_the_temporal_lobe_is_not() -> None:
    zone, white = load_regions(4).zone, load_tissue(4).white
    infratentorial = zone == ZONES.index("infratentorial") + 1
    cerebellum, temporal = _voxel((16, -54, -34)), _voxel((36, -4, -26))
    near = tuple(slice(n - 2, n + 3) for n in cerebellum)
    assert infratentorial[near].any()
    assert white[temporal] > 0.5
    assert zone[temporal] not in (0, ZONES.index("infratentorial") + 1)


def test_outward_points_away_from_the_ventricles() -> None:
    outward = load_regions(4).outward
    right, left = outward[:, *_voxel((32, -20, 20))], outward[:, *_voxel((-32, -20, 20))]
    assert right[0] > 0.1
    assert left[0] < -0.1
    assert np.linalg.norm(outward, axis=0).max() == pytest.approx(1)


def test_a_valley_is_found_along_any_direction() -> None:
    volume = np.ones((9, 9, 9))
    i, j, _ = np.indices(volume.shape)
    volume[i == j] = 0.25
    found = valleys(volume, 2)
    assert found[4, 4, 4] == 0.75
    assert found[i != j].max() == 0


def test_block_mean_drops_the_rest() -> None:
    volume = np.arange(3.0)[:, None, None] * np.ones((3, 2, 2))
    assert block_mean(volume, 2).tolist() == [[[0.5]]]


def test_unknown_resolution_is_refused() -> None:
    with pytest.raises(UsageError, match="1, 2, 4"):
        load_tissue(3)


def test_the_head_encloses_the_brain() -> None:
    head, tissue = load_head(4), load_tissue(4)
    assert head.outside_mm[tissue.brain].max() == 0
    assert head.near[1:-1, 1:-1, 1:-1][tissue.brain[1:-1, 1:-1, 1:-1]].all()
    assert not head.near[:, :, -1].any()
