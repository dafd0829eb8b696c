"""Lesions: their load, their place and their shape, in a block of white matter."""

import numpy as np
import pytest
from scipy import ndimage

from lesionless.data.phantom import Lesions
from lesionless.data.phantom.lesions import Site, membership, place_lesions
from lesionless.data.phantom.regions import ZONES


def _site(seed: int, n: int = 48) -> Site:
    """Return a cube of 1.5 mm voxels whose outer 6 voxels are not white matter."""
    white = np.zeros((n, n, n), np.float32)
    white[6:-6, 6:-6, 6:-6] = 1
    points = np.stack(np.nonzero(white))
    bumps = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=white.shape), 2)
    return Site(
        spacing_mm=np.full(3, 1.5),
        white=white,
        bumps=(bumps / bumps.std()).astype(np.float32),
        points=points,
        zone=np.random.default_rng(seed).integers(1, len(ZONES) + 1, points.shape[1]),
        outward=np.repeat([[1.0], [0.0], [0.0]], points.shape[1], axis=1),
    )


@pytest.mark.parametrize("load_ml", [1.0, 8.0, 30.0])
def test_the_load_is_reached_and_hardly_passed(load_ml: float) -> None:
    field = place_lesions(np.random.default_rng(0), _site(0), load_ml=load_ml, lesions=Lesions())
    volume_ml = np.count_nonzero(field.depth_mm > 0) * 1.5**3 / 1000
    assert load_ml <= volume_ml < 1.6 * load_ml + 0.5


def test_lesions_keep_to_the_white_matter() -> None:
    site = _site(1)
    field = place_lesions(np.random.default_rng(1), site, load_ml=20, lesions=Lesions())
    assert site.white[field.depth_mm > 0].min() == 1


def test_many_are_small_and_few_large() -> None:
    field = place_lesions(np.random.default_rng(2), _site(2), load_ml=8, lesions=Lesions())
    components, n = ndimage.label(field.depth_mm > 0)
    sizes = np.bincount(components.ravel())[1:]
    assert n > 10
    assert sizes.max() > 4 * np.median(sizes)
    assert np.mean(sizes < sizes.mean()) > 0.6


def test_a_zone_without_chance_stays_free() -> None:
    site = _site(3)
    half = site.points[0] < 24
    site = Site(**{**vars(site), "zone": np.where(half, 1, 3)})
    deep_only = Lesions(zones=(0, 0, 1, 0), max_radius_mm=2.0)
    field = place_lesions(np.random.default_rng(3), site, load_ml=2, lesions=deep_only)
    assert np.nonzero(field.depth_mm > 0)[0].min() > 18


def test_lesions_have_the_level_that_is_asked() -> None:
    bright = Lesions(level=(1.5, 1.5), level_spread=0)
    field = place_lesions(np.random.default_rng(4), _site(4), load_ml=2, lesions=bright)
    assert field.level[field.depth_mm > 0] == pytest.approx(1.5)


def test_membership_is_half_at_the_border_and_soft_around_it() -> None:
    depth = np.array([-2.0, -1, -0.5, 0, 0.5, 1, 2])
    share = membership(depth, 1.0)
    assert share[3] == 0.5
    assert share[[0, 1, 5, 6]].tolist() == [0, 0, 1, 1]
    assert np.all(np.diff(share) >= 0)
    assert share[2] + share[4] == pytest.approx(1)
