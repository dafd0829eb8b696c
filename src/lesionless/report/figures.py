"""Graphs of training: the loss curves of a run, and the study of latent size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionless.errors import UsageError
from lesionless.report.style import COLOURS, DASHES, WIDTH_INCH, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NOT_LOSSES = ("epoch", "seconds")
_SHARES = {"accuracy": "share of slices told rightly"}  # in [0, 1], watched and not minimised
_GRAPHS_IN_A_LINE = 3  # a member of an ensemble with a discriminator has three
_WIDE = 8.0  # a ratio of values above which a linear axis hides the small ones


@dataclass(frozen=True)
class LatentPoint:
    """Hold one model of the study of latent size.

    Attributes:
        label: The shape of the code, for example `16x16x64`.
        n_values: Numbers in one code.
        value: The metric; nan where it is undefined.
        lower: Lower end of its interval; nan for none.
        upper: Upper end.
    """

    label: str
    n_values: int
    value: float
    lower: float = float("nan")
    upper: float = float("nan")


@styled
def loss_curves_figure(history: Sequence[Mapping[str, float]], *, title: str = "") -> "Figure":
    """Draw every term of every update over the epochs, one graph per update.

    The terms of an update share an axis, logarithmic where they are far apart, so that their
    weights can be read off. Shares such as the discriminator's accuracy have a graph of their own.

    Args:
        history: One row per epoch: `epoch`, `seconds`, and each figure as `update.term`; in an
            ensemble `member.update.term`.
        title: Names the run.

    Raises:
        UsageError: There is no epoch, or no loss in it.
    """
    graphs = _graphs(history)
    if not graphs:
        raise UsageError(f"Expected loss curves, found {len(history)} epochs without a loss.")
    n_columns = min(_GRAPHS_IN_A_LINE, len(graphs))
    n_lines = -(-len(graphs) // n_columns)
    figure = new_figure(2.4 * n_lines, width_inch=min(WIDTH_INCH, 3.2 * n_columns))
    epochs = [row["epoch"] for row in history]
    grid = np.ravel(figure.subplots(n_lines, n_columns, squeeze=False))
    for axes in grid[len(graphs) :]:
        axes.remove()
    for axes, (name, terms) in zip(grid, graphs.items(), strict=False):
        _draw_terms(axes, epochs, {term: [row[term] for row in history] for term in terms})
        axes.set_title(name)
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


@styled
def latent_size_figure(metrics: Mapping[str, Sequence[LatentPoint]]) -> "Figure":
    """Draw metrics over the codes, in the order of the number of their values.

    Args:
        metrics: From the name of a metric to one point per model, for example AUPRC and Dice.

    Raises:
        UsageError: There is nothing to draw.

    Source: Baur et al. 2018, Sec. 3.2, which varies the latent size of the spatial autoencoder.
    """
    if not any(metrics.values()):
        raise UsageError("Expected models of several latent sizes, found none.")
    codes = sorted({(p.n_values, p.label) for points in metrics.values() for p in points})
    figure = new_figure(2.8, width_inch=4.6)
    axes = figure.subplots()
    for number, (name, points) in enumerate(metrics.items()):
        at = [codes.index((point.n_values, point.label)) for point in points]
        _draw_points(axes, name, dict(sorted(zip(at, points, strict=True))), number)
    axes.set_xticks(range(len(codes)), [f"{label}\n{n_values:,}" for n_values, label in codes])
    axes.margins(x=0.12)
    axes.set_ylim(0, None)
    axes.set_xlabel("latent code: rows x columns x channels, and number of values")
    axes.set_ylabel("metric in [0, 1]")
    axes.grid(axis="y")
    axes.legend()
    return figure


def _graphs(history: Sequence[Mapping[str, float]]) -> dict[str, list[str]]:
    """Return the figures that share a graph, by the graph's title."""
    graphs: dict[str, list[str]] = {}
    for name in history[0] if history else ():
        update, _, term = name.rpartition(".")  # of an ensemble `member.update.term`
        if name not in _NOT_LOSSES:
            title = f"{update}: {term}" if term in _SHARES else update
            graphs.setdefault(title, []).append(name)
    return graphs


def _draw_terms(axes: Any, epochs: Sequence[float], terms: Mapping[str, Sequence[float]]) -> None:
    for number, (name, values) in enumerate(terms.items()):
        axes.plot(
            epochs,
            values,
            color=COLOURS[number],
            linestyle=DASHES[number],
            marker="o" if len(epochs) == 1 else None,
            label=name.rpartition(".")[2],
        )
    share = _SHARES.get(next(iter(terms)).rpartition(".")[2])
    if share:
        axes.axhline(0.5, color="#888888", linewidth=0.8, linestyle=":")
        axes.set_ylim(-0.02, 1.02)
    elif _is_wide([value for values in terms.values() for value in values]):
        axes.set_yscale("log")
    axes.set_ylabel(share or "weighted loss, mean per batch")
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="y")
    if not share:
        axes.legend()


def _is_wide(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) > _WIDE * min(values)


def _draw_points(axes: Any, name: str, points: Mapping[int, LatentPoint], number: int) -> None:
    axes.plot(
        list(points),
        [point.value for point in points.values()],
        color=COLOURS[number],
        linestyle=DASHES[number],
        marker="os^Dv"[number % 5],
        markersize=4,
        label=name,
    )
    axes.vlines(
        list(points),
        [point.lower for point in points.values()],
        [point.upper for point in points.values()],
        color=COLOURS[number],
        linewidth=0.8,
    )
