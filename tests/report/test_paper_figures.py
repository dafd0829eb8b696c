"""The paper's figures of slices: what each must show."""

from itertools import pairwise

import numpy as np
import pytest

from lesionless.errors import UsageError
from lesionless.report.paper_figures import Panel, idea_figure, panel_figure, samples_figure

METHODS = ("dAE", "sAE3", "sVAE-GAN")


@pytest.fixture
def image():
    image = np.zeros((32, 32))
    image[4:28, 6:26] = np.random.default_rng(0).uniform(0.3, 0.6, (24, 20))
    return image


def panel(image, title, methods=METHODS):
    lesion = np.zeros_like(image, dtype=bool)
    lesion[10:14, 10:14] = True
    scores = {name: image * (1 + number) for number, name in enumerate(methods)}
    return Panel(title, image, lesion, scores, {name: s > 0.5 for name, s in scores.items()})


def test_the_idea_is_input_reconstruction_and_residual_on_one_scale(image):
    lesion = image > 0.58
    figure = idea_figure(image, image / 2, image / 2, lesion)
    left, middle, right, bar = figure.axes
    assert left.images[0].get_clim() == middle.images[0].get_clim()
    assert len(left.collections) == 1  # the outline of the reference
    assert "residual" in right.get_title()
    assert "image - reconstruction" in bar.get_ylabel()
    assert not idea_figure(image, image, image).axes[0].collections


def test_a_panel_holds_a_pair_of_rows_per_subject_and_a_column_per_method(image):
    figure = panel_figure([panel(image, "sub-1"), panel(image, "sub-2")])
    grid = np.array(figure.axes[:-1]).reshape(4, 1 + len(METHODS))
    assert [axes.get_title() for axes in grid[0, 1:]] == ["dAE", "sAE3", "sVAE-\nGAN"]
    assert [grid[row, 0].get_ylabel() for row in (0, 2)] == ["sub-1", "sub-2"]
    heats = [axes.images[0].get_clim() for axes in grid[::2, 1:].ravel()]
    assert len(set(heats)) == 1  # one colour scale for all methods
    np.testing.assert_array_equal(  # the mask lies over the slice, below its residual
        grid[1, 3].images[1].get_array()[..., 3] > 0, grid[0, 3].images[0].get_array() > 0.5
    )


def test_the_titles_of_many_methods_do_not_touch(image):
    many = ("intensity", "intensity-equalised", "local-contrast", *METHODS, *"abcdef")
    figure = panel_figure([panel(image, "sub-1", many)])
    figure.canvas.draw()
    titles = [axes.title.get_window_extent() for axes in figure.axes[: len(many) + 1]]
    assert not any(a.overlaps(b) for a, b in pairwise(titles))


def test_panels_of_different_methods_are_refused(image):
    with pytest.raises(UsageError, match="same methods"):
        panel_figure([panel(image, "sub-1"), panel(image, "sub-2", METHODS[:2])])
    with pytest.raises(UsageError, match="same methods"):
        panel_figure([])


def test_samples_stand_in_the_order_of_epochs():
    samples = {30: np.ones((4, 16, 16)), 1: np.zeros((3, 16, 16)), 10: np.zeros((4, 16, 16))}
    figure = samples_figure(samples)
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels == ["epoch 1", "epoch 10", "epoch 30"]
    assert len(figure.axes) == 9  # as many samples as every epoch has
    assert figure.axes[6].images[0].get_array().min() == 1


def test_no_samples_are_refused():
    with pytest.raises(UsageError, match="found none"):
        samples_figure({})
