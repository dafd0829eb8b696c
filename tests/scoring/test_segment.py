"""Masks and lesion lists by hand."""

from itertools import pairwise

import numpy as np
import pytest

from lesionless.scoring.segment import lesions, numbered, segment


@pytest.fixture
def score_map():
    """One lesion of 4 voxels, one of 2, on a grid of 6 x 5 x 4."""
    score = np.zeros((6, 5, 4), np.float32)
    score[0:2, 1, 1:3] = [[3, 5], [4, 8]]
    score[4, 3, 2:4] = [6, 7]
    return score


def affine():
    """Voxels of 2 x 3 x 4 mm, axes turned: i runs to posterior, j to left, k to superior."""
    return np.array([[0, -3.0, 0, 90], [-2.0, 0, 0, 60], [0, 0, 4.0, -20], [0, 0, 0, 1]])


def to_atlas():
    """Twice as large along x, shifted along z."""
    matrix = np.diag([2.0, 1.0, 1.0, 1.0])
    matrix[2, 3] = 5
    return matrix


def test_above_the_threshold_and_not_at_it(score_map):
    assert segment(score_map, threshold=0).sum() == 6
    assert segment(score_map, threshold=3).sum() == 5
    assert segment(score_map, threshold=8).sum() == 0
    assert segment(score_map, threshold=7.5)[1, 1, 2]
    assert segment(score_map, threshold=0).dtype == bool


def test_small_components_are_left_out(score_map):
    found = segment(score_map, threshold=0, min_voxels=3)
    assert found.sum() == 4
    assert not found[4].any()


def test_a_higher_threshold_only_takes_away(score_map):
    masks = [segment(score_map, threshold=t) for t in range(9)]
    assert all((lower | higher == lower).all() for lower, higher in pairwise(masks))


def test_an_infinite_threshold_segments_nothing(score_map):
    assert not segment(score_map, threshold=np.inf).any()


def test_components_are_numbered_by_their_size(score_map):
    """The lesion of two voxels, met first along a turned axis, is still number 2."""
    labels = numbered(score_map[::-1] > 0)
    assert labels.max() == 2
    assert (labels[::-1][score_map > 0] == [1, 1, 1, 1, 2, 2]).all()
    assert (labels[score_map[::-1] == 0] == 0).all()
    assert numbered(np.eye(9, dtype=bool)[:, ::2, None]).ravel().tolist() == (
        np.where(np.eye(9)[:, ::2], np.arange(1, 6), 0).ravel().tolist()
    )


def test_lesions_by_hand(score_map):
    large, small = lesions(numbered(score_map > 0), score_map, affine(), to_atlas())
    assert large.volume_ml == pytest.approx(4 * 24 / 1000)  # 24 mm3 a voxel
    assert small.volume_ml == pytest.approx(2 * 24 / 1000)
    # centre voxel (0.5, 1, 1.5): x = 90 - 3 * 1, y = 60 - 2 * 0.5, z = -20 + 4 * 1.5
    assert large.centre_mm == pytest.approx((87, 59, -14))
    assert small.centre_mm == pytest.approx((81, 52, -10))  # (4, 3, 2.5)
    assert large.centre_atlas_mm == pytest.approx((174, 59, -9))
    assert small.centre_atlas_mm == pytest.approx((162, 52, -5))
    assert (large.peak_score, small.peak_score) == (8, 7)
    assert (large.mean_score, small.mean_score) == pytest.approx((5, 6.5))
    assert all(type(v) is float for v in (large.volume_ml, *large.centre_mm, large.mean_score))


def test_the_centre_is_that_of_the_voxels_not_of_the_scores(score_map):
    score_map[0, 1, 1] = 100
    large, _ = lesions(numbered(score_map > 0), score_map, affine(), to_atlas())
    assert large.centre_mm == pytest.approx((87, 59, -14))


def test_an_oblique_grid_s_volume_is_its_determinant(score_map):
    turn = np.array([[0.8, -0.6, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    oblique = turn @ affine()
    found = lesions(numbered(score_map > 0), score_map, oblique, turn)
    assert [lesion.volume_ml for lesion in found] == (pytest.approx([0.096, 0.048]))


def test_volumes_add_up_and_are_sorted():
    rng = np.random.default_rng(0)
    score = rng.random((12, 12, 12)).astype(np.float32)
    found = lesions(numbered(score > 0.9), score, affine(), np.eye(4))
    volumes = [lesion.volume_ml for lesion in found]
    assert sum(volumes) == pytest.approx((score > 0.9).sum() * 24 / 1000)
    assert volumes == sorted(volumes, reverse=True)
    assert max(lesion.peak_score for lesion in found) == pytest.approx(score.max())
    assert all(0.9 < lesion.mean_score <= lesion.peak_score for lesion in found)


def test_no_lesion_gives_an_empty_list(score_map):
    assert lesions(numbered(np.zeros(score_map.shape, bool)), score_map, affine(), to_atlas()) == []
