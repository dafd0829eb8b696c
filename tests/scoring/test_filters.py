"""Filters and clean-up on arrays small enough to check by eye."""

import numpy as np
import pytest
from scipy import signal

from lesionless.scoring.filters import (
    FILTERS,
    components,
    drop_small,
    erode,
    fill_between,
    reach_across,
)

FIVE = np.float32(
    [
        [9, 1, 2, 0, 4],
        [3, 8, 1, 1, 0],
        [2, 5, 7, 3, 6],
        [0, 4, 6, 9, 1],
        [1, 2, 3, 5, 8],
    ]
)[np.newaxis]
INNER = [[3, 2, 2], [4, 5, 3], [3, 5, 6]]  # medians of the nine 3x3 windows, by hand


def mask(*rows):
    return np.array([[character == "x" for character in row] for row in rows])[np.newaxis]


def test_median_2d_by_hand():
    np.testing.assert_array_equal(FILTERS["median-2d"](FIVE, size=3)[0, 1:4, 1:4], INNER)


def test_median_of_the_whole_array_by_hand():
    assert FILTERS["median-2d"](FIVE, size=5)[0, 2, 2] == np.median(FIVE) == 3


def test_median_2d_agrees_with_scipy_signal_inside():
    score = np.random.default_rng(0).random((3, 12, 12)).astype(np.float32)
    for found, original in zip(FILTERS["median-2d"](score, size=5), score, strict=True):
        np.testing.assert_array_equal(found[2:-2, 2:-2], signal.medfilt2d(original, 5)[2:-2, 2:-2])


def test_median_2d_keeps_slices_apart_and_median_3d_does_not():
    score = np.zeros((5, 7, 7), np.float32)
    score[2] = 1
    np.testing.assert_array_equal(FILTERS["median-2d"](score, size=3), score)
    assert not FILTERS["median-3d"](score, size=3).any()


def test_median_3d_by_hand():
    score = np.zeros((3, 3, 3), np.float32)
    score.flat[:14] = 1  # 14 of 27 voxels
    assert FILTERS["median-3d"](score, size=3)[1, 1, 1] == 1
    score.flat[13] = 0
    assert FILTERS["median-3d"](score, size=3)[1, 1, 1] == 0


def test_no_filter_changes_nothing():
    np.testing.assert_array_equal(FILTERS["none"](FIVE, size=5), FIVE)


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_keeps_shape_type_zero_and_its_input(name):
    score = np.random.default_rng(1).random((4, 9, 9)).astype(np.float32)
    before = score.copy()
    found = FILTERS[name](score, size=3)
    assert found.shape == score.shape
    assert found.dtype == np.float32
    np.testing.assert_array_equal(score, before)
    assert not FILTERS[name](np.zeros_like(score), size=3).any()
    np.testing.assert_allclose(FILTERS[name](3 * score, size=3), 3 * found, rtol=1e-6)
    turned = FILTERS[name](score[::-1, ::-1], size=3)
    np.testing.assert_array_equal(turned, found[::-1, ::-1])


@pytest.mark.parametrize("name", ["median-2d", "median-3d"])
def test_a_lone_bright_pixel_is_removed(name):
    score = np.zeros((5, 9, 9), np.float32)
    score[2, 4, 4] = 1
    assert not FILTERS[name](score, size=3).any()


BRAIN = mask(
    ".......",
    ".xxxxx.",
    ".xxxxx.",
    ".xxxxx.",
    ".xxxxx.",
    ".xxxxx.",
    ".......",
)


def test_erosion_takes_off_layers_by_hand():
    np.testing.assert_array_equal(erode(BRAIN, pixels=0), BRAIN)
    np.testing.assert_array_equal(
        erode(BRAIN, pixels=1),
        mask(".......", ".......", "..xxx..", "..xxx..", "..xxx..", ".......", "......."),
    )
    np.testing.assert_array_equal(
        erode(BRAIN, pixels=2),
        mask(".......", ".......", ".......", "...x...", ".......", ".......", "......."),
    )
    assert not erode(BRAIN, pixels=3).any()


def test_erosion_works_slice_by_slice():
    lowest_and_highest = np.concatenate([BRAIN, BRAIN, np.zeros_like(BRAIN)])
    found = erode(lowest_and_highest, pixels=1)
    np.testing.assert_array_equal(found[0], erode(BRAIN, pixels=1)[0])
    np.testing.assert_array_equal(found[1], found[0])
    assert not found[2].any()


def test_the_array_s_edge_counts_as_outside_the_brain():
    assert erode(np.ones((1, 5, 5), bool), pixels=1).sum() == 9


SPECKS = mask(
    "x....",
    ".x...",
    ".....",
    "...xx",
    "x..xx",
)


def test_small_components_are_dropped_by_hand():
    """One of 1, one of 2 (touching at a corner), one of 4 voxels."""
    np.testing.assert_array_equal(drop_small(SPECKS, min_voxels=1), SPECKS)
    assert drop_small(SPECKS, min_voxels=2).sum() == 6
    assert drop_small(SPECKS, min_voxels=2.5).sum() == 4
    assert drop_small(SPECKS, min_voxels=4).sum() == 4
    assert drop_small(SPECKS, min_voxels=4.01).sum() == 0


def test_components_touch_across_slices_and_corners():
    volume = np.zeros((3, 3, 3), bool)
    volume[0, 0, 0] = volume[1, 1, 1] = volume[2, 2, 2] = True
    labels, number = components(volume)
    assert number == 1
    assert (labels > 0).sum() == 3
    volume[1, 1, 1] = False
    assert components(volume)[1] == 2


def test_nothing_stays_nothing():
    nothing = np.zeros((2, 4, 4), bool)
    assert components(nothing)[1] == 0
    assert not drop_small(nothing, min_voxels=3).any()
    assert drop_small(nothing, min_voxels=3).dtype == bool


def test_a_score_leans_on_what_is_at_least_as_bright_within_reach():
    score, image = (
        np.array(row, dtype=np.float32).reshape(5, 1, 1)
        for row in ([0, 4, 9, 2, -4], [1, 2, 3, 1, 1])
    )
    by_hand = {0: [0, 4, 9, 2, -4], 1: [2, 6.5, 9, 7 / 3, -1], 2: [13 / 3, 6.5, 9, 11 / 4, 7 / 3]}
    for reach, wanted in by_hand.items():
        found = reach_across(score, image, reach=reach)[:, 0, 0]
        assert found == pytest.approx(wanted), reach
    whole = reach_across(score, image, reach=4)
    np.testing.assert_array_equal(whole, reach_across(score, image, reach=99))


def test_what_is_bright_in_the_next_slice_too_and_no_lesion_there_counts_less():
    """A sheet of cortex, cut along its surface in the middle slice; and a lesion that ends."""
    score = np.zeros((3, 1, 2), dtype=np.float32)
    score[1] = 6
    cortex_and_lesion = np.float32([[[0.5, 0.4]], [[0.5, 0.6]], [[0.5, 0.4]]])
    found = reach_across(score, cortex_and_lesion, reach=1)
    np.testing.assert_allclose(found[:, 0], [[3, 3], [2, 6], [3, 3]])


def test_slices_that_were_not_seen_get_the_mean_of_those_beside_them():
    score = np.array([5.0, 2.0, 7.0, 4.0, 9.0, 6.0], np.float32).reshape(6, 1, 1)
    seen = np.array([False, True, False, True, False, False])
    filled = fill_between(score, seen, np.ones_like(score, dtype=bool))
    np.testing.assert_array_equal(filled.ravel(), [2, 2, 3, 4, 4, 0])
    np.testing.assert_array_equal(score.ravel(), [5, 2, 7, 4, 9, 6])


def test_what_does_not_count_has_no_say_between():
    score = np.array([[5.0, 2.0], [0.0, 0.0], [3.0, 8.0]], np.float32)[:, np.newaxis]
    counted = np.array([[True, False], [True, True], [False, False]])[:, np.newaxis]
    filled = fill_between(score, np.array([True, False, True]), counted)
    np.testing.assert_array_equal(filled[:, 0], [[5, 0], [5, 0], [0, 0]])


def test_where_all_was_seen_nothing_is_filled():
    score = np.random.default_rng(3).random((4, 3, 3))
    counted = np.ones_like(score, dtype=bool)
    np.testing.assert_array_equal(fill_between(score, np.ones(4, dtype=bool), counted), score)
