"""The report of a benchmark in one page: tables, figures, cohort, training, methods, settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from lesionless.report import html
from lesionless.report.html import Html, Picture
from lesionless.report.style import figure_bytes
from lesionless.report.table_formats import Table
from lesionless.report.training_table import TrainingRecord, training_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OPEN_TABLES = 3  # the rest, other regions and operating points, would bury the figures


@dataclass(frozen=True, eq=False)
class BenchmarkReport:
    """Hold what the report of a benchmark, a demo or an evaluation shows; all may be empty.

    Attributes:
        title: Names the experiment.
        missing: Of each scan that could not be prepared, its name and why; above all numbers.
        tables: The main ones first; those after the third are folded away.
        figures: In the order in which they are shown.
        notes: What a reader must know to judge the numbers.
        cohort: Who was scanned, who trained, who is tested: by name.
        training: One record per trained row and seed.
        loss_curves: Folded away below the training records.
        methods: The sentences for a methods section; an empty line parts paragraphs.
        settings: Every setting, nested by where it belongs.
        provenance: Versions, commit, command and time.
    """

    title: str
    missing: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Picture] = ()
    notes: Sequence[str] = ()
    cohort: Mapping[str, Any] = field(default_factory=dict)
    training: Sequence[TrainingRecord] = ()
    loss_curves: Sequence[Picture] = ()
    methods: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)


def benchmark_page(report: BenchmarkReport) -> Html:
    """Return the report as a page that needs no other file."""
    settings = html.pairs(flat(report.settings), "Every setting of this experiment")
    return html.page(
        report.title,
        html.contents(
            html.section("Scans that are missing", html.bullets(report.missing)),
            html.section("Results", *_tables(report.tables)),
            html.section("What to keep in mind", html.bullets(report.notes)),
            html.section("Figures", *map(html.picture, report.figures)),
            html.section("Cohort", html.pairs(report.cohort, "Who was scanned")),
            html.section("Training", *_training(report)),
            html.section("Methods", html.paragraphs(report.methods)),
            html.section("Settings", html.details("Show", settings) if settings else Html("")),
            html.section(
                "Provenance", html.pairs(flat(report.provenance), "Where these numbers come from")
            ),
        ),
    )


def drawn(
    figure: "Figure", caption: str, description: str, *, kind: Literal["png", "jpeg"] = "png"
) -> Picture:
    """Return a figure as a picture for a page.

    Args:
        figure: What to show.
        caption: What it shows, for everybody.
        description: What can be seen, for those who cannot see it.
        kind: `png` for graphs, `jpeg` for many slices.
    """
    return Picture(figure_bytes(figure, kind=kind), caption, description)


def flat(content: Mapping[str, Any], *, above: str = "") -> dict[str, Any]:
    """Return nested mappings as one, with dots between the names; lists become text.

    >>> flat({"training": {"epochs": 30, "device": "cpu"}, "seeds": [0, 1]})
    {'training.epochs': 30, 'training.device': 'cpu', 'seeds': '0, 1'}
    """
    entries: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            entries |= flat(value, above=f"{above}{name}.")
        elif isinstance(value, list | tuple):
            entries |= _flat_list(f"{above}{name}", value)
        else:
            entries[f"{above}{name}"] = value
    return entries


def _flat_list(name: str, values: Sequence[Any]) -> dict[str, Any]:
    if any(isinstance(value, Mapping) for value in values):
        return flat({f"{name}[{number}]": value for number, value in enumerate(values)})
    return {name: ", ".join(str(value) for value in values)}


def _tables(tables: Sequence[Table]) -> list[Html]:
    """Return the first tables as they are and the others folded away under their titles."""
    shown, folded = tables[:OPEN_TABLES], tables[OPEN_TABLES:]
    return [
        *map(html.table, shown),
        *(html.details(table.title, html.table(table)) for table in folded),
    ]


def _training(report: BenchmarkReport) -> list[Html]:
    """Return how every row was trained, and its loss curves folded away."""
    table = [html.table(training_table(report.training))] if report.training else []
    curves = [html.details("Loss curves", *map(html.picture, report.loss_curves))]
    return table + (curves if report.loss_curves else [])
