"""Shapes of synthetic lesions: sizes, outlines, edges, and where those lie that run together."""

import numpy as np
from scipy import ndimage

from lesionless.models.lesion_shapes import TALL, bumpy_ellipse, confluent, height_at, window_around


def test_a_window_is_cut_at_the_edge_of_the_slice():
    assert window_around((1, 8), 3, (10, 10)) == (slice(0, 5), slice(5, 10))


def outlines(n: int, radius: float = 12.0) -> list[np.ndarray]:
    """Return the largest part of each of n drawn lesions, on a plane of its own."""
    found = []
    for seed in range(n):
        blob = bumpy_ellipse(np.random.default_rng(seed), (80, 80), radius, (160, 160))
        plane = np.zeros((160, 160), dtype=np.float32)
        plane[blob.window] = blob.membership
        labelled, _ = ndimage.label(plane > 0.5)
        found.append(labelled == 1 + np.argmax(np.bincount(labelled.ravel())[1:]))
    return found


def test_outlines_are_round_to_long_and_seldom_smooth():
    """Of an ellipse the area is pi times the product of the half axes, told by its moments."""
    ratios, fills = [], []
    for outline in outlines(200):
        variances = np.linalg.eigvalsh(np.cov(np.nonzero(outline)))
        ratios.append(np.sqrt(variances[1] / variances[0]))
        fills.append(outline.sum() / (4 * np.pi * np.sqrt(variances.prod())))
    assert np.percentile(ratios, 10) < 1.4 and 2.4 < np.percentile(ratios, 95) < 4.5
    assert np.median(fills) < 0.93 and max(fills) > 0.97


def test_edges_are_a_few_pixels_wide_whatever_the_size_of_the_lesion():
    for radius in (6.0, 18.0):
        blobs = [
            bumpy_ellipse(np.random.default_rng(seed), (80, 80), radius, (160, 160)).membership
            for seed in range(40)
        ]
        edge = [np.count_nonzero((blob > 0.1) & (blob < 0.9)) for blob in blobs]
        rim = [np.count_nonzero(b ^ ndimage.binary_erosion(b)) for b in (x > 0.5 for x in blobs)]
        assert 1.0 < np.median(np.divide(edge, rim)) < 2.5


def test_confluent_lesions_lie_along_the_ventricles_and_never_at_the_rim():
    rows, columns = np.mgrid[:96, :96] - 47.5
    far = np.hypot(rows, columns)
    tissue = (far > 8) & (far < 42)
    rim_mm, fluid_mm = np.maximum(42 - far, 0), np.maximum(far - 8, 0)
    blobs = [
        confluent(np.random.default_rng(seed), tissue, rim_mm, fluid_mm, 1.0) for seed in range(120)
    ]
    often = np.mean([blob > 0.5 for blob in blobs], axis=0)
    assert often[(far > 8) & (far < 12)].mean() > 3 * often[(far > 20) & (far < 30)].mean() > 0
    assert not often[far > 40].any()
    shares = [np.count_nonzero((blob > 0.5) & tissue) / tissue.sum() for blob in blobs]
    assert np.median(shares) < 0.06 and 0.08 < max(shares) < 0.2


def test_confluent_lesions_need_tissue():
    deep = np.full((16, 16), 20.0, dtype=np.float32)
    assert confluent(np.random.default_rng(0), deep < 0, deep, deep, 1.0).max() < 0.01


def test_the_height_falls_from_the_middle_to_the_outline():
    for seed in range(20):
        blob = bumpy_ellipse(np.random.default_rng(seed), (40, 40), 9.0, (80, 80))
        inside = blob.membership > 0.5
        core = ndimage.binary_erosion(inside, iterations=3)
        rim = inside & ~ndimage.binary_erosion(inside)
        assert 2 * TALL * 9.0 >= blob.height[core].mean() > 1.4 * blob.height[rim].mean()
        assert blob.height[blob.membership < 0.02].mean() < 0.05 * blob.height.max()


def test_the_height_is_the_chord_of_an_ellipsoid():
    """Half way to the middle of a circle the chord is sqrt(3)/2 of the diameter."""
    heights = height_at(np.array([0.0, 0.5, 1.0]), 10.0)
    np.testing.assert_allclose(heights, 20 * TALL * np.array([0, np.sqrt(3) / 2, 1]))
