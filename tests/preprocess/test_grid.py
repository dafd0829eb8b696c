"""The grid of prepared slices: directions, scale, own slices, choice of slices, no mixing."""

import numpy as np
import pytest
from scipy import ndimage

from lesionless.errors import ScanError, UsageError
from lesionless.preprocess import grid as grids
from lesionless.preprocess.atlas import Atlas


def box_atlas() -> Atlas:
    """A brain that fills x -60..60, y -80..60, z -50..50 mm in steps of 10."""
    mask = np.zeros((17, 21, 15), dtype=bool)
    mask[2:15, 2:17, 2:13] = True
    affine = np.diag([10.0, 10, 10, 1])
    affine[:3, 3] = [-80, -100, -70]
    return Atlas("box", mask.astype(np.float32), mask, affine)


ATLAS = box_atlas()


def tilted(degrees: float, scale: float = 1.0, yaw: float = 0.0) -> np.ndarray:
    """Voxels of 2 x 2 x 6 mm, shifted, scaled and turned to atlas millimetres."""
    a, b = np.radians([degrees, yaw])
    pitch = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    turn = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = scale * pitch @ turn @ np.diag([2.0, 2.0, 6.0])
    matrix[:3, 3] = matrix[:3, :3] @ [-60, -60, -10] + ATLAS.centre_mm
    return matrix


def at(matrix: np.ndarray, *index: float) -> np.ndarray:
    return (matrix @ [*index, 1])[:3]


def test_slices_run_up_rows_back_columns_left():
    to_atlas = grids.atlas_grid(ATLAS, np.eye(4), matrix=256).index_to_atlas
    np.testing.assert_allclose(to_atlas[:3, 0], [0, 0, 1])
    np.testing.assert_allclose(to_atlas[:3, 1], [0, -1, 0])
    np.testing.assert_allclose(to_atlas[:3, 2], [-1, 0, 0])


@pytest.mark.parametrize(("matrix", "pixel_mm"), [(256, 1.0), (128, 2.0)])
def test_slices_are_centred_on_the_brains_box(matrix, pixel_mm):
    grid = grids.atlas_grid(ATLAS, np.eye(4), matrix=matrix)
    middle = (matrix - 1) / 2
    np.testing.assert_allclose(at(grid.index_to_atlas, 0, middle, middle), [0, -10, -50])
    assert np.linalg.norm(grid.index_to_atlas[:3, 2]) == pixel_mm
    assert grid.n_slices == 101


def test_atlas_grid_reads_the_scan_where_the_alignment_says():
    to_atlas = tilted(12, scale=1.1)
    grid = grids.atlas_grid(ATLAS, to_atlas, matrix=256)
    index = (40, 100, 150)
    voxel = at(grid.index_to_voxel, *index)
    np.testing.assert_allclose(at(to_atlas, *voxel), at(grid.index_to_atlas, *index), atol=1e-9)


def test_own_slices_are_the_scans_slices_exactly():
    grid = grids.own_slices_grid(ATLAS, tilted(15, 1.1, 8), 20, matrix=256)
    np.testing.assert_array_equal(grid.index_to_voxel[2], [1, 0, 0, 0])
    assert grid.n_slices == 20


@pytest.mark.parametrize("degrees", [0, 18])
def test_own_slices_have_the_atlas_scale_and_centre_whatever_their_tilt(degrees):
    grid = grids.own_slices_grid(ATLAS, tilted(degrees, 1.1, 8), 20, matrix=256)
    to_atlas = grid.index_to_atlas
    np.testing.assert_allclose(np.linalg.norm(to_atlas[:3, 1:3], axis=0), 1)
    np.testing.assert_allclose(to_atlas[:3, 1] @ to_atlas[:3, 2], 0, atol=1e-9)
    # slice 10 runs through the centre of the atlas brain, which lands in the middle
    np.testing.assert_allclose(at(to_atlas, 10, 127.5, 127.5), ATLAS.centre_mm, atol=1e-9)


def test_own_slices_without_tilt_lie_on_the_atlas_grid():
    grid = grids.own_slices_grid(ATLAS, tilted(0, 1.1, 8), 20, matrix=256)
    level = grids.atlas_grid(ATLAS, np.eye(4), matrix=256).index_to_atlas
    np.testing.assert_allclose(grid.index_to_atlas[:, 1:3], level[:, 1:3], atol=1e-9)


def test_tilt_of_own_slices_stays_and_is_told():
    grid = grids.own_slices_grid(ATLAS, tilted(18), 20, matrix=256)
    assert grid.index_to_atlas[2, 1] == pytest.approx(-np.sin(np.radians(18)))


@pytest.mark.parametrize(
    ("spacing", "own"),
    [((1, 1, 1), False), ((0.9, 0.9, 3), False), ((0.9, 0.9, 3.3), True), ((7, 1, 1), False),
     ((1, 7, 1), False), ((4, 4, 4), True)],
)  # fmt: skip
def test_only_thick_axial_slices_are_kept(spacing, own):
    assert grids.keeps_slices(np.diag([*spacing, 1.0])) is own


@pytest.fixture
def stack():
    grid = grids.own_slices_grid(ATLAS, tilted(0), 20, matrix=32)
    return grid, np.ones(grid.shape, dtype=bool)


def test_levels_are_those_of_the_atlas(stack):
    grid, _ = stack
    np.testing.assert_allclose(grid.levels_mm(), 6.0 * (np.arange(20) - 10))


@pytest.mark.parametrize(
    ("slices", "first", "last"),
    # 42 to 80 % of -50..50 is -8..30 mm; 20 mm around 0 is -10..10, the upper end not included
    [("all", 0, 19), ("mid", 9, 14), ("paper", 9, 11)],
)
def test_slices_are_chosen_by_their_centre(stack, slices, first, last):
    grid, brain = stack
    assert grids.select(grid, brain, ATLAS, slices) == (first, last)


def test_heights_that_do_not_exist_never_stand_for_all():
    with pytest.raises(UsageError, match="one of all, mid, paper, found 'midle'"):
        grids.range_mm(ATLAS, "midle")


def test_paper_means_20_slices_of_1_mm():
    grid = grids.atlas_grid(ATLAS, np.eye(4), matrix=32)
    first, last = grids.select(grid, np.ones(grid.shape, dtype=bool), ATLAS, "paper")
    assert last - first + 1 == 20


def test_all_means_slices_with_brain(stack):
    grid, brain = stack
    brain[:4] = brain[16:] = False
    assert grids.select(grid, brain, ATLAS, "all") == (4, 15)


def test_no_slice_left_is_said(stack):
    grid, brain = stack
    brain[5:] = False
    with pytest.raises(ScanError, match=r"found brain from -60 to -36 mm"):
        grids.select(grid, brain, ATLAS, "mid")
    with pytest.raises(ScanError, match="found no brain"):
        grids.select(grid, np.zeros_like(brain), ATLAS, "all")


def test_a_cut_grid_lies_where_it_lay(stack):
    grid, _ = stack
    cut = grid.cut(3, 7)
    assert cut.n_slices == 5
    np.testing.assert_allclose(at(cut.index_to_atlas, 0, 4, 5), at(grid.index_to_atlas, 3, 4, 5))
    np.testing.assert_allclose(at(cut.index_to_voxel, 0, 4, 5), at(grid.index_to_voxel, 3, 4, 5))


def test_thick_slices_are_never_mixed():
    grid = grids.own_slices_grid(ATLAS, tilted(15, 1.05, 5), 20, matrix=64)
    image = np.zeros((120, 120, 20), dtype=np.float32)
    image[:, :, 7] = 1
    found = grids.resample(image, grid)
    assert found[7].max() == 1
    assert not found[np.arange(20) != 7].any()


def test_lesions_keep_their_values_only():
    rng = np.random.default_rng(0)
    lesion = rng.random((120, 120, 20)) > 0.5
    grid = grids.own_slices_grid(ATLAS, tilted(15, 1.05, 5), 20, matrix=64)
    slices = grids.resample_lesion(lesion, grid)
    rows = np.argwhere(slices)
    voxels = np.round((grid.index_to_voxel @ np.c_[rows, np.ones(len(rows))].T)[:3]).astype(int)
    assert lesion[tuple(voxels)].all()
    assert 0.3 < slices.mean() < 0.5  # half of what lies within the scan


def test_fine_voxels_are_averaged_not_skipped():
    image = np.zeros((120, 120, 20), dtype=np.float32)
    image[::2] = 2  # stripes finer than the pixels of 4 mm
    to_atlas = tilted(0)
    found = grids.resample(image, grids.own_slices_grid(ATLAS, to_atlas, 20, matrix=64))
    inside = found[:, 20:44, 20:44]
    assert np.abs(inside - 1).max() < 0.2  # 1 where pixels would pick single stripes


def test_a_part_is_read_as_the_whole_and_masks_lose_nothing():
    rng = np.random.default_rng(0)
    image = rng.random((40, 50, 12)).astype(np.float32)
    mask = np.zeros(image.shape, dtype=bool)
    mask[:30, 10:40, 3:12] = ndimage.gaussian_filter(rng.random((30, 30, 9)), 2) > 0.5
    grid = grids.own_slices_grid(ATLAS, tilted(10, yaw=20), 12, matrix=128)
    part = (slice(2, 7), slice(30, 90), slice(20, 70))
    whole, read = grids.resample(image, grid), grids.resample(image, grid, part)
    np.testing.assert_allclose(read[part], whole[part], atol=1e-6)
    read[part] = 0
    assert whole.any() and not read.any()
    everywhere = grids.resample(mask.astype(np.float32), grid) > 0.5
    assert everywhere.any()
    np.testing.assert_array_equal(grids.resample_mask(mask, grid), everywhere)
