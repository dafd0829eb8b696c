"""Shapes lent by lesions: what is taken from a slice, and how it is drawn."""

import numpy as np
import pytest

from lesionless.models.corruption import bumpy_ellipse
from lesionless.models.sections import LARGEST_PIXELS, Sections, outlines, profiles


def tissue() -> np.ndarray:
    return np.full((80, 80), 0.4, dtype=np.float32)


def marked(*windows: tuple[slice, slice]) -> np.ndarray:
    lesion = np.zeros((80, 80), dtype=bool)
    for window in windows:
        lesion[window] = True
    return lesion


BAR = np.s_[20:23, 30:42]


def test_outlines_are_the_lesions_but_the_smallest_and_largest():
    lesion = marked(BAR, np.s_[50:51, 10:12], np.s_[0:1, 0:80])
    found = list(outlines(lesion))
    assert sorted(o.shape for o in found) == [(1, 80), (3, 12)]
    assert all(o.min() == 1 for o in found)
    assert not list(outlines(np.ones((40, LARGEST_PIXELS // 40 + 1), dtype=bool)))


def test_a_profile_is_the_excess_as_a_share_of_the_core_s():
    """Half as bright at one end: .5 there, 1 at the core, 0 in the tissue beside it."""
    image, lesion = tissue(), marked(BAR)
    image[20:23, 30:42] = 0.8
    image[20:23, 30:33] = 0.6
    (profile,) = profiles(image, lesion)
    rows, columns = 6, 6  # where the bar begins
    np.testing.assert_allclose(profile[rows : rows + 3, columns : columns + 3], 0.5, atol=1e-6)
    np.testing.assert_allclose(profile[rows : rows + 3, columns + 3 : columns + 12], 1, atol=1e-6)
    assert profile[:rows].max() == profile[rows + 3 :].max() == 0


def test_what_shines_over_the_edge_fades_out_and_other_lesions_are_left_out():
    image, lesion = tissue(), marked(BAR, np.s_[24:26, 30:42])
    image[18:28, 28:44] = 0.8
    one, _ = profiles(image, lesion)
    column = one[:, 12]  # the bar's rows are 6 to 8, those of the other lesion 10 and 11
    np.testing.assert_allclose(column[3:12], [0, 0.5, 1, 1, 1, 1, 1, 0, 0], atol=1e-6)


def test_what_hardly_stands_out_has_no_profile():
    image = tissue()
    image[BAR] = 0.41
    assert not list(profiles(image, marked(BAR)))


def test_sections_are_drawn_at_the_centre_in_their_own_size():
    bar = np.ones((3, 12), dtype=np.float32)
    draw = Sections([bar])
    for seed in range(8):
        blob = draw(np.random.default_rng(seed), (40, 44), 99.0, (80, 80))
        plane = np.zeros((80, 80))
        plane[blob.window] = blob.membership
        assert plane.sum() == pytest.approx(36, rel=0.1)
        rows, columns = np.mgrid[:80, :80]
        middle = [(plane * axis).sum() / plane.sum() for axis in (rows, columns)]
        np.testing.assert_allclose(middle, (40, 44), atol=1)


def test_at_the_edge_of_the_slice_they_are_cut():
    draw = Sections([np.ones((9, 9), dtype=np.float32)])
    blob = draw(np.random.default_rng(0), (0, 79), 1.0, (80, 80))
    assert 10 < blob.membership.sum() < 50


def test_the_others_are_bumpy_ellipses():
    """A share of none is the ellipse of the same draws; a half is a mixture."""
    half = Sections([np.ones((1, 3), dtype=np.float32)], share=0.5)
    sizes = [
        half(np.random.default_rng(s), (40, 40), 9.0, (80, 80)).membership.sum() for s in range(200)
    ]
    assert np.mean(np.array(sizes) < 5) == pytest.approx(0.5, abs=0.1)
    none, generator = Sections([], share=0.0), np.random.default_rng(5)
    expected = np.random.default_rng(5)
    expected.random()
    drawn = none(generator, (40, 40), 6.0, (80, 80)).membership
    np.testing.assert_array_equal(
        drawn, bumpy_ellipse(expected, (40, 40), 6.0, (80, 80)).membership
    )
