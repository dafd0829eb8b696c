"""Synthetic lesions: where they lie, what they change, what they leave alone."""

import numpy as np
import pytest
from scipy import ndimage

from lesionless.models.corruption import (
    Blob,
    Lesions,
    bumpy_ellipse,
    implant,
    region,
    window_around,
)

ALWAYS = Lesions(none_share=0.0)


def head(size: int = 96) -> np.ndarray:
    """A round brain of tissue at 0.4 with a fluid space in its middle."""
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    far = np.hypot(rows, columns)
    noise = np.random.default_rng(1).normal(0, 0.01, far.shape)
    return np.where(far < 42, np.where(far < 8, 0.08, 0.4 + noise), 0).astype(np.float32)


def draws(n: int, lesions: Lesions = ALWAYS, *, x: np.ndarray | None = None):
    x = head() if x is None else x
    return [implant(np.random.default_rng(seed), x, lesions=lesions) for seed in range(n)]


def test_lesions_brighten_and_lie_where_they_are_said_to():
    x = head()
    for patient, lesion in draws(20):
        assert patient.dtype == lesion.dtype == np.float32
        assert np.all(patient >= x) and patient.max() <= 1
        assert np.all((patient - x)[lesion > 0] > 0.04)
        assert lesion.min() >= 0 and lesion.max() <= 1
        np.testing.assert_array_equal(patient[x == 0], 0)


def test_the_slice_itself_is_not_changed_and_one_seed_gives_one_result():
    x = head()
    before = x.copy()
    first, again = (implant(np.random.default_rng(5), x, lesions=ALWAYS) for _ in range(2))
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[0], implant(np.random.default_rng(6), x, lesions=ALWAYS)[0])


def test_some_slices_stay_as_they_are():
    x = head()
    same = [np.array_equal(patient, x) for patient, _ in draws(400, Lesions(none_share=0.5))]
    assert np.mean(same) == pytest.approx(0.5, abs=0.08)
    assert all(not lesion.any() for patient, lesion in draws(40) if np.array_equal(patient, x))


def test_most_lesions_lie_in_the_depth_beside_the_fluid():
    """Chances per pixel: rare near the rim, most often within a few mm of the ventricles."""
    hits = np.mean([lesion > 0.5 for _, lesion in draws(300, Lesions(none_share=0, most=9))], 0)
    rows, columns = np.mgrid[:96, :96] - 47.5
    far = np.hypot(rows, columns)
    beside, deep, rim = hits[(far > 9) & (far < 13)], hits[(far > 18) & (far < 30)], hits[far > 39]
    assert beside.mean() > 1.5 * deep.mean()
    assert deep.mean() > 2 * rim[head()[far > 39] > 0].mean()


def test_radii_scale_with_the_pixel():
    few = Lesions(none_share=0, most=9, radius_mm=(6.0, 6.1), contrast=(1.0, 1.1))
    areas = {}
    for pixel_mm in (1.0, 2.0):
        rng = np.random.default_rng(0)
        found = [implant(rng, head(), pixel_mm=pixel_mm, lesions=few)[1] > 0.5 for _ in range(60)]
        sizes = [np.bincount(ndimage.label(lesion)[0].ravel())[1:] for lesion in found]
        areas[pixel_mm] = np.median(np.concatenate(sizes))
    assert areas[1.0] / areas[2.0] == pytest.approx(4, rel=0.35)


def test_sizes_follow_a_power_law():
    """At a decline of 2.5 each octave of radii holds 2 to the power of 1.5 fewer than the last."""
    radii = []

    def recording(generator, centre, radius, shape):
        radii.append(radius)
        return bumpy_ellipse(generator, centre, radius, shape)

    for seed in range(600):
        implant(np.random.default_rng(seed), head(), lesions=ALWAYS, shape=recording)
    octaves, _ = np.histogram(radii, [1, 2, 4, 8, 16, 22])
    assert octaves.sum() == len(radii)
    np.testing.assert_allclose(octaves[:3] / octaves[1:4], 2**1.5, rtol=0.3)


def test_a_slice_without_tissue_gets_no_lesion():
    nothing = np.zeros((32, 32), np.float32)
    for patient, lesion in draws(3, x=nothing):
        assert not patient.any() and not lesion.any()


def test_the_region_closes_small_gaps_and_leaves_large_holes():
    x = head()
    x[20:22, 40:42] = 0
    x[55:80, 60:75] = 0
    found = region(x)
    assert found[20:22, 40:42].all()
    assert not found[62:72, 65:70].any()
    np.testing.assert_array_equal(found[x > 0], True)


def test_a_lesion_has_the_noise_of_its_scan():
    """Without that a network would find lesions by their quiet."""
    x = np.where(head() > 0, 0.4, 0).astype(np.float32)
    x += (x > 0) * np.random.default_rng(2).normal(0, 0.02, x.shape).astype(np.float32)
    large = Lesions(none_share=0, most=2, radius_mm=(8, 9))
    detail = []
    for patient, lesion in draws(20, large, x=x):
        core = ndimage.binary_erosion(lesion > 0.95, iterations=2)
        detail.append((patient - ndimage.gaussian_filter(patient, 1.0))[core].std())
    whole = (x - ndimage.gaussian_filter(x, 1.0))[ndimage.binary_erosion(head() > 0.3)].std()
    assert np.nanmedian(detail) > 0.6 * whole


def test_lesions_have_the_shapes_that_are_drawn_for_them():
    def bar(generator, centre, radius, shape):
        window = window_around(centre, 6, shape)
        inside = np.zeros(shape, dtype=np.float32)
        inside[centre[0], window[1]] = 1
        return Blob(window, inside[window])

    alone = Lesions(none_share=0.0, most=2)
    few = [implant(np.random.default_rng(s), head(), lesions=alone, shape=bar)[1] for s in range(9)]
    for lesion in few:
        labelled, count = ndimage.label(lesion > 0)
        assert count
        assert all(part[0].stop - part[0].start == 1 for part in ndimage.find_objects(labelled))


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
