"""Curves over the threshold: precision and recall, lesions found, Dice; one colour per method."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionless.evaluation.case import WHOLE
from lesionless.evaluation.results import THRESHOLD_FREE, Group, Results
from lesionless.report.style import COLOURS, DASHES, WIDTH_INCH, new_figure, styled
from lesionless.report.table_cells import region_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SQUARE_INCH = 3.4


@styled
def precision_recall_figure(
    results: Results, *, operating_point: str, region: str = WHOLE
) -> "Figure":
    """Draw the pooled precision-recall curves, with the prevalence as a line."""
    figure = new_figure(_SQUARE_INCH, width_inch=WIDTH_INCH * 0.75)
    axes = figure.subplots()
    prevalence = float("nan")
    for group, curve, look in _curves(results, results.curves, region):
        found = results.find(
            group.method, "auprc", region=region, operating_point=THRESHOLD_FREE, scope="pooled"
        )
        area = f" ({found.value:.3f})" if found else ""
        label = look.pop("label")
        axes.step(
            curve.recall, curve.precision, where="pre", label=label and f"{label}{area}", **look
        )
        prevalence = curve.prevalence
    axes.axhline(prevalence, color="#888888", linewidth=0.8, linestyle=(0, (1, 2)))
    axes.text(0.02, prevalence, f"prevalence {prevalence:.4f}", va="bottom", fontsize=6.5)
    axes.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title(f"Precision and recall, all voxels pooled, {region_text(region)}")
    _legend(figure, axes, "pooled AUPRC")
    return figure


@styled
def froc_figure(results: Results, *, operating_point: str, region: str = WHOLE) -> "Figure":
    """Draw lesion sensitivity against false components per scan, over the threshold."""
    figure = new_figure(_SQUARE_INCH, width_inch=WIDTH_INCH * 0.75)
    axes = figure.subplots()
    n_scans = n_lesions = 0
    for _, curve, look in _curves(results, results.frocs, region):
        axes.plot(curve.false_per_scan, curve.sensitivity, marker=".", markersize=3, **look)
        n_scans, n_lesions = curve.n_scans, curve.n_lesions
    axes.set_xscale("symlog", linthresh=1)
    axes.set(xlabel="False components per scan", ylabel="Lesion sensitivity", ylim=(0, 1.02))
    axes.set_xlim(left=0)
    axes.set_title(f"{n_lesions} lesions in {n_scans} scans, {region_text(region)}")
    _legend(figure, axes, "method")
    return figure


@styled
def dice_threshold_figure(
    results: Results, *, operating_point: str, region: str = WHOLE
) -> "Figure":
    """Draw the mean Dice over the threshold, told by the share of normal voxels above it.

    That share is the one scale that methods with different scores have in common; the operating
    points at 1, 0.1 and 0.01 % lie on its grid lines.
    """
    figure = new_figure(_SQUARE_INCH, width_inch=WIDTH_INCH * 0.75)
    axes = figure.subplots()
    for group, curve, look in _curves(results, results.dice_curves, region):
        counts = results.histograms[group]
        above = np.cumsum(counts.normal[::-1]) / max(counts.n_normal, 1)
        thresholds = counts.thresholds()[::-1]
        share = above[np.searchsorted(-thresholds, -curve.threshold, side="right") - 1]
        axes.plot(share, curve.dice, **look)
    axes.set_xscale("log")
    axes.set(xlim=(1e-5, 1), ylim=(0, None))
    axes.set(xlabel="Share of normal voxels above the threshold", ylabel="Mean Dice over subjects")
    axes.grid(visible=True, axis="x")
    axes.set_title(f"Dice over the threshold, {region_text(region)}; each peak is an oracle")
    _legend(figure, axes, "method")
    return figure


def _curves(
    results: Results, curves: Mapping[Group, Any], region: str
) -> Iterator[tuple[Group, Any, dict[str, Any]]]:
    """Yield each group's curve with its look; runs of one method look alike, one has the label."""
    labelled = set()
    for group, curve in curves.items():
        if group.region != region:
            continue
        at = results.methods.index(group.method)
        label = "" if group.method in labelled else group.method
        labelled.add(group.method)
        yield (
            group,
            curve,
            {
                "color": COLOURS[at % len(COLOURS)],
                "linestyle": DASHES[at // len(COLOURS) % len(DASHES)],
                "label": label or None,
            },
        )


def _legend(figure: "Figure", axes: Any, title: str) -> None:
    if axes.get_legend_handles_labels()[1]:
        figure.legend(loc="outside right upper", title=title, title_fontsize=7)
