"""Spread over subjects and voxels: box plots, histograms of scores, agreement of volumes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lesionless.evaluation.case import WHOLE
from lesionless.evaluation.metrics import METRICS
from lesionless.evaluation.results import Group, Results
from lesionless.evaluation.score_counts import ScoreCounts
from lesionless.evaluation.summarise import SubjectValues
from lesionless.evaluation.volumes import scan_volumes
from lesionless.report.style import COLOURS, LESION, NORMAL, new_figure, styled
from lesionless.report.table_cells import region_text, setting_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def box_figure(results: Results, *, operating_point: str, region: str = WHOLE) -> "Figure":
    """Draw AUPRC and Dice of every subject, a box and a dot for each."""
    values = SubjectValues(results.rows)
    figure = new_figure(1.1 + 0.24 * len(results.methods))
    for axes, metric in zip(figure.subplots(1, 2, sharey=True), ("auprc", "dice"), strict=True):
        setting = setting_of(metric, region, operating_point)
        for at, method in enumerate(results.methods):
            if setting in values.settings and method in values.methods(setting):
                _box(axes, at, np.array(list(values.over_seeds(setting, method).values())))
        axes.set_yticks(range(len(results.methods)), results.methods)
        axes.set(xlim=(0, 1), ylim=(len(results.methods) - 0.5, -0.5))
        at_point = f" at {operating_point}" if METRICS[metric].needs_threshold else ""
        axes.set_xlabel(f"{METRICS[metric].label} per subject{at_point}")
        axes.grid(visible=True, axis="x")
    figure.suptitle(region_text(region).capitalize(), fontsize=8)
    return figure


@styled
def score_histogram_figure(
    results: Results, *, operating_point: str, region: str = WHOLE
) -> "Figure":
    """Draw the histogram of scores of normal and of lesion voxels, a panel per method.

    Source: Baur et al. 2018, Fig. 6.
    """
    drawn = [group for group in results.histograms if group.region == region]
    n_columns = min(3, len(drawn))
    n_rows = -(-len(drawn) // n_columns)
    figure = new_figure(1.75 * n_rows + 0.3)
    grid = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axes, group in zip(grid, drawn, strict=False):
        _histogram(axes, results, group)
    for axes in grid[len(drawn) :]:
        axes.set_visible(False)
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    figure.supxlabel("Score (the outermost bars hold all beyond)", fontsize=7.5)
    figure.supylabel("Share of voxels", fontsize=7.5)
    return figure


@styled
def volume_figure(results: Results, *, operating_point: str, region: str = WHOLE) -> "Figure":
    """Draw segmented minus reference volume against their mean, with limits of agreement."""
    methods = [m for m in results.methods if (m, region, operating_point) in results.agreements]
    n_columns = min(3, max(1, len(methods)))
    n_rows = -(-max(1, len(methods)) // n_columns)
    figure = new_figure(1.9 * n_rows + 0.3)
    grid = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axes, method in zip(grid, methods, strict=False):
        _bland_altman(axes, results, method, region, operating_point)
    for axes in grid[len(methods) :]:
        axes.set_visible(False)
    figure.supxlabel("Mean of segmented and reference volume (ml)", fontsize=7.5)
    figure.supylabel("Segmented minus reference (ml)", fontsize=7.5)
    return figure


def _box(axes: Any, at: int, values: np.ndarray) -> None:
    colour = COLOURS[at % len(COLOURS)]
    defined = values[~np.isnan(values)]
    if not defined.size:
        return
    axes.boxplot(
        defined,
        orientation="horizontal",
        positions=[at],
        widths=0.6,
        showfliers=False,
        manage_ticks=False,
        medianprops={"color": colour, "linewidth": 1.6},
    )
    # dots apart by their order, not by chance, so that the figure is the same each time
    offsets = at + 0.2 * (np.arange(defined.size) % 5 - 2) / 2
    axes.plot(defined, offsets, ".", color=colour, markersize=3.5, alpha=0.8)


def _histogram(axes: Any, results: Results, group: Group) -> None:
    counts = results.histograms[group]
    scores = counts.thresholds().astype(float)
    edges = np.linspace(*_range(counts), 61)
    for name, numbers, colour in (
        ("normal", counts.normal, NORMAL),
        ("lesion", counts.lesion, LESION),
    ):
        total = max(int(numbers.sum()), 1)
        heights = np.histogram(np.clip(scores, edges[0], edges[-1]), edges, weights=numbers)[0]
        axes.stairs(heights / total, edges, color=colour, fill=True, alpha=0.35)
        axes.stairs(heights / total, edges, color=colour, linewidth=1, label=name)
    axes.set_yscale("log")
    n_runs = sum(
        (other.method, other.region) == (group.method, group.region) for other in results.histograms
    )
    axes.set_title(f"{group.method}, seed {group.seed}" if n_runs > 1 else group.method)


def _range(counts: ScoreCounts) -> tuple[float, float]:
    """Return the range that holds nearly all normal and nearly all lesion voxels."""
    scores = counts.thresholds().astype(float)
    ends = []
    for numbers in (counts.normal, counts.lesion):
        if numbers.any():
            share = np.cumsum(numbers) / numbers.sum()
            at = np.searchsorted(share, [0.0005, 0.995]).clip(max=scores.size - 1)
            ends.append(scores[at])
    lowest, highest = np.min(ends), np.max(ends)
    return float(lowest), float(max(highest, lowest + 1e-6))


def _bland_altman(axes: Any, results: Results, method: str, region: str, point: str) -> None:
    ours, reference = scan_volumes(results.rows)[method, region, point].T
    colour = COLOURS[results.methods.index(method) % len(COLOURS)]
    axes.plot((ours + reference) / 2, ours - reference, ".", color=colour, markersize=4)
    agreement = results.agreements[method, region, point]
    axes.axhline(agreement.bias_ml, color="#444444", linewidth=0.8)
    for limit in (agreement.lower_ml, agreement.upper_ml):
        if not np.isnan(limit):
            axes.axhline(limit, color="#888888", linewidth=0.8, linestyle="--")
    axes.set_title(method)
