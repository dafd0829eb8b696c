"""Leaks far outside the atlas brain go, everything near it stays."""

import numpy as np

from lesionless.preprocess.atlas import Atlas
from lesionless.preprocess.trim import trim_to_atlas

SHAPE = (36, 36, 36)
SPACING_MM = 5.0


def places_mm() -> np.ndarray:
    grid = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1)
    return (grid - 17.5) * SPACING_MM


def ball(radius_mm: float) -> np.ndarray:
    return np.linalg.norm(places_mm(), axis=-1) <= radius_mm


def affine() -> np.ndarray:
    matrix = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1])
    matrix[:3, 3] = -17.5 * SPACING_MM
    return matrix


def atlas() -> Atlas:
    return Atlas("Ball", ball(60).astype(np.float32), ball(60), affine())


def test_a_leak_is_cut_at_the_margin():
    arm = (np.abs(places_mm()[..., :2]) < 10).all(axis=-1) & (places_mm()[..., 2] > 0)
    trimmed = trim_to_atlas(ball(60) | arm, affine(), atlas(), margin_mm=10)
    heights_mm = places_mm()[..., 2][trimmed]
    assert 65 < heights_mm.max() <= 72.5
    assert trimmed[ball(60)].all()


def test_a_mask_within_the_margin_is_left_as_it_is():
    np.testing.assert_array_equal(trim_to_atlas(ball(64), affine(), atlas()), ball(64))


def test_the_scan_s_own_pose_does_not_matter():
    mask = ball(60)
    mask[17, 17] = True  # a spike up and down
    turned = np.transpose(mask, (2, 0, 1))[::-1]
    to_atlas = np.zeros((4, 4))
    to_atlas[:3, :3] = np.array([[0, 1, 0], [0, 0, 1], [-1, 0, 0]]) * SPACING_MM
    to_atlas[:3, 3] = np.array([-1, -1, 1]) * 17.5 * SPACING_MM
    to_atlas[3, 3] = 1
    straight = trim_to_atlas(mask, affine(), atlas())
    found = trim_to_atlas(turned, to_atlas, atlas())
    np.testing.assert_array_equal(found, np.transpose(straight, (2, 0, 1))[::-1])
    assert straight.sum() < mask.sum()


def test_a_mask_beside_the_atlas_is_emptied():
    beside = affine()
    beside[0, 3] += 300
    assert not trim_to_atlas(ball(60), beside, atlas()).any()
