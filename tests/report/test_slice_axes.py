"""One slice in axes: grey levels, the border of a mask, the patient's sides."""

import numpy as np
import pytest

from lesionless.report.slice_axes import (
    fill,
    mark_sides,
    outline,
    show_grey,
    show_heat,
    white_level,
)
from lesionless.report.style import new_figure


@pytest.fixture
def axes():
    return new_figure(1, width_inch=1).subplots()


def test_the_outline_is_the_border_along_the_pixels(axes):
    mask = np.zeros((6, 6), bool)
    mask[2:4, 1:5] = True
    outline(axes, mask, "red")
    (lines,) = axes.collections
    corners = np.array(lines.get_segments())
    assert len(corners) == 2 * (2 + 4)  # the circumference of 2 by 4 pixels
    assert corners[..., 0].min() == 0.5
    assert corners[..., 0].max() == 4.5
    assert corners[..., 1].min() == 1.5
    assert corners[..., 1].max() == 3.5


def test_a_mask_at_the_edge_of_the_slice_is_closed(axes):
    outline(axes, np.ones((3, 3), bool), "red")
    assert len(axes.collections[0].get_segments()) == 12


def test_right_is_written_on_the_left(axes):
    show_grey(axes, np.zeros((4, 4)), white=1)
    mark_sides(axes)
    x = {text.get_text(): text.get_position()[0] for text in axes.texts}
    assert x["R"] < 0.5 < x["L"]


def test_row_0_is_at_the_top_and_black_is_0(axes):
    show_grey(axes, np.arange(16.0).reshape(4, 4), white=7, aspect=2)
    assert axes.get_ylim() == (3.5, -0.5)
    assert axes.images[0].get_clim() == (0, 7)
    assert axes.get_aspect() == 2


def test_heat_ends_at_its_top_and_a_filling_keeps_the_aspect(axes):
    assert show_heat(axes, np.ones((4, 4)), top=5, aspect=3).get_clim() == (0, 5)
    fill(axes, np.eye(4, dtype=bool), "red")
    assert axes.get_aspect() == 3
    assert (axes.images[1].get_array()[..., 3] > 0).sum() == 4


def test_white_is_near_the_brightest_tissue_and_never_zero():
    image = np.zeros((10, 100))
    image[5:] = np.arange(1, 501).reshape(5, 100)
    assert white_level([image]) == pytest.approx(np.percentile(np.arange(1, 501), 99.8))
    assert white_level([np.zeros((3, 3))]) == 1
