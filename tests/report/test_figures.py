"""Graphs of training: every term is there, on an axis where it can be seen."""

from itertools import pairwise

import numpy as np
import pytest

from lesionless.errors import UsageError
from lesionless.report.figures import LatentPoint, latent_size_figure, loss_curves_figure

HISTORY = [
    {
        "epoch": epoch,
        "discriminator.discrimination": 1.3,
        "discriminator.accuracy": 0.6,
        "autoencoder.reconstruction": 900.0 + epoch,
        "autoencoder.prior": 50.0,
        "autoencoder.adversarial": 20.0,
        "seconds": 3.0,
    }
    for epoch in (1, 2, 3)
]


def lines(axes):
    return {line.get_label(): line.get_ydata() for line in axes.lines}


def test_every_term_of_every_update_is_drawn():
    judge, accuracy, rebuild = loss_curves_figure(HISTORY).axes
    assert set(lines(judge)) == {"discrimination"}
    assert "accuracy" in lines(accuracy)
    assert set(lines(rebuild)) == {"reconstruction", "prior", "adversarial"}
    np.testing.assert_array_equal(lines(rebuild)["reconstruction"], [901, 902, 903])


def test_terms_far_apart_share_a_logarithmic_axis_and_shares_a_linear_one():
    judge, accuracy, rebuild = loss_curves_figure(HISTORY).axes
    assert rebuild.get_yscale() == "log"
    assert judge.get_yscale() == accuracy.get_yscale() == "linear"
    assert accuracy.get_ylim() == pytest.approx((-0.02, 1.02))


def test_a_term_that_is_zero_keeps_the_axis_linear():
    rows = [{**row, "autoencoder.prior": 0.0} for row in HISTORY]
    assert loss_curves_figure(rows).axes[2].get_yscale() == "linear"


def test_the_members_of_an_ensemble_have_graphs_of_their_own():
    terms = {name: value for name, value in HISTORY[0].items() if "." in name}
    row = {f"{member}.{name}": value for member in (0, 1) for name, value in terms.items()}
    figure = loss_curves_figure([{"epoch": 1, **row}])
    graphs = {axes.get_title(): axes for axes in figure.axes}
    parts = ("discriminator", "discriminator: accuracy", "autoencoder")
    assert list(graphs) == [f"{member}.{part}" for member in (0, 1) for part in parts]
    assert set(lines(graphs["1.discriminator"])) == {"discrimination"}
    assert graphs["1.discriminator: accuracy"].get_ylabel() == "share of slices told rightly"
    assert set(lines(graphs["1.autoencoder"])) == {"reconstruction", "prior", "adversarial"}
    figure.canvas.draw()
    titles = [axes.title.get_window_extent() for axes in figure.axes]
    assert not any(a.overlaps(b) for a, b in pairwise(titles))


def test_a_line_that_is_not_full_has_no_empty_graph():
    rows = [{"epoch": 1, **{f"{member}.restoration.overlap": 0.5 for member in range(4)}}]
    assert len(loss_curves_figure(rows).axes) == 4


@pytest.mark.parametrize("history", [[], [{"epoch": 1, "seconds": 2.0}]])
def test_curves_without_a_loss_are_refused(history):
    with pytest.raises(UsageError, match="without a loss"):
        loss_curves_figure(history)


def test_codes_stand_in_the_order_of_their_size():
    dice = [LatentPoint("16x16x64", 16384, 0.5, 0.4, 0.6), LatentPoint("8x8x64", 4096, 0.3)]
    auprc = [LatentPoint("32x32x64", 65536, 0.7), LatentPoint("16x16x64", 16384, 0.6)]
    (axes,) = latent_size_figure({"Dice": dice, "AUPRC": auprc}).axes
    ticks = [label.get_text().split("\n")[0] for label in axes.get_xticklabels()]
    assert ticks == ["8x8x64", "16x16x64", "32x32x64"]
    assert axes.lines[0].get_xydata().tolist() == [[0, 0.3], [1, 0.5]]
    assert axes.lines[1].get_xydata().tolist() == [[1, 0.6], [2, 0.7]]


def test_a_study_without_models_is_refused():
    with pytest.raises(UsageError, match="found none"):
        latent_size_figure({"Dice": []})
