"""Tables, figures and the page of an experiment."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lesionless import store
from lesionless.evaluation.archive import RESULTS_FOLDER
from lesionless.evaluation.results import THRESHOLD_FREE, Results
from lesionless.evaluation.timing import Timing
from lesionless.experiment import Experiment
from lesionless.models.autoencoder import count_parameters
from lesionless.models.bundle import Bundle, load
from lesionless.provenance import describe_software, write_text_whole
from lesionless.report.benchmark_page import BenchmarkReport, benchmark_page, drawn
from lesionless.report.evaluation_figures import write_figures
from lesionless.report.figures import loss_curves_figure
from lesionless.report.html import Picture
from lesionless.report.methods_text import methods_text
from lesionless.report.style import save_figure
from lesionless.report.table_formats import Table, to_csv, to_latex, to_markdown
from lesionless.report.tables import (
    comparison_table,
    lesion_table,
    operating_point_table,
    paper_comparison_table,
    summary_table,
)
from lesionless.report.training_table import TrainingRecord, training_table, with_training
from lesionless.stages import reported
from lesionless.stages.benchmark import Run, Stores, patients_of
from lesionless.stages.cases import judged_regions, shown_points
from lesionless.stages.evaluate import TABLES
from lesionless.stages.figures import benchmark_figures
from lesionless.training.loop import LOSSES

TRAINING = "training.json"
PAPER_EPOCHS = 150  # Sec. 3, "Implementation"


def tables_of(results: Results, training: Sequence[TrainingRecord] = ()) -> dict[str, Table]:
    """Return the tables of a report by file name.

    Args:
        results: What the evaluation found.
        training: How the methods were trained, where that is known; beside Table 1.
    """
    tables: dict[str, Table] = {}
    for region in judged_regions(results):
        for point in shown_points(results):
            named = f"{region}_{point}"
            table1 = paper_comparison_table(results, operating_point=point, region=region)
            tables[f"table1_{named}"] = with_training(table1, training) if training else table1
            tables[f"summary_{named}"] = summary_table(
                results, operating_point=point, region=region
            )
            tables[f"lesions_{named}"] = lesion_table(results, operating_point=point, region=region)
        tables[f"tests_{region}"] = comparison_table(
            results, metric="auprc", operating_point=THRESHOLD_FREE, region=region
        )
    for region in results.regions:
        tables[f"operating-points_{region}"] = operating_point_table(results, region=region)
    return tables | ({"training": training_table(training)} if training else {})


def write_tables(
    results: Results, folder: Path, training: Sequence[TrainingRecord] = ()
) -> dict[str, Table]:
    """Write every table as Markdown, LaTeX and CSV; see `tables_of`."""
    tables = tables_of(results, training)
    for name, table in tables.items():
        write_text_whole(folder / f"{name}.md", to_markdown(table) + "\n")
        write_text_whole(folder / f"{name}.tex", to_latex(table) + "\n")
        write_text_whole(folder / f"{name}.csv", to_csv(table))
    return tables


def write_evaluation(
    results: Results, folder: Path, training: Sequence[TrainingRecord] = ()
) -> None:
    """Write the tables of results below a folder, and the figures of each operating point."""
    write_tables(results, folder / TABLES, training)
    for point in shown_points(results):
        write_figures(results, folder / "figures" / point, operating_point=point)


def write_report(
    experiment: Experiment,
    out: Path,
    stores: Stores,
    runs: Sequence[Run],
    results: Results,
    timings: Mapping[str, Timing],
) -> Path:
    """Write the tables, the figures and the page of an experiment; return the page's path.

    Args:
        experiment: The experiment.
        out: Its folder.
        stores: Its prepared scans.
        runs: Its training runs; only the finished ones are shown.
        results: What the evaluation found.
        timings: How each method was timed.
    """
    bundles = {run: load(run.folder) for run in runs if run.is_trained}
    training = [_training_record(run, bundle) for run, bundle in bundles.items()]
    write_training(training, out / RESULTS_FOLDER)
    tables = write_tables(results, out / TABLES, training)
    patients = patients_of(experiment, stores)
    report = BenchmarkReport(
        title=experiment.title,
        missing=stores.failed,
        tables=[table for name, table in tables.items() if name != "training"],
        figures=_figures(experiment, bundles, patients, results, out),
        notes=[
            *reported.notes(experiment, stores.normals, stores.patients),
            *_notes(experiment, bundles.values()),
            *timing_notes(timings),
        ],
        cohort=_cohort(experiment, stores, patients),
        training=training,
        loss_curves=_loss_curves(bundles, out / "figures"),
        methods=methods_text(results.settings, operating_points=experiment.operating_points),
        settings={
            "experiment": experiment.model_dump(),
            "timing": {name: asdict(timing) for name, timing in timings.items()},
        },
        provenance=describe_software(),
    )
    page = out / "report.html"
    write_text_whole(page, benchmark_page(report))
    return page


def write_training(records: Sequence[TrainingRecord], folder: Path) -> None:
    """Keep how the rows of a benchmark were trained beside its results."""
    text = json.dumps([asdict(record) for record in records], indent=2)
    write_text_whole(folder / TRAINING, text + "\n")


def read_training(folder: Path) -> list[TrainingRecord]:
    """Return how the rows of a benchmark were trained; nothing for other results."""
    path = folder / TRAINING
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return [TrainingRecord(**row) for row in rows]


def _figures(
    experiment: Experiment,
    bundles: Mapping[Run, Bundle],
    patients: Sequence[Path],
    results: Results,
    out: Path,
) -> list[Picture]:
    """Draw the figures, write each to a file, and return them for the page."""
    figures = benchmark_figures(experiment, bundles, patients, results, out)
    for shown in figures:
        save_figure(shown.figure, out / "figures" / f"{shown.name}.png")
    return [drawn(f.figure, f.caption, f.caption, kind=f.kind) for f in figures]


def _loss_curves(runs: Iterable[Run], folder: Path) -> list[Picture]:
    pictures = []
    for run in runs:
        path = run.folder / LOSSES
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
            figure = loss_curves_figure(rows, title=run.folder.name)
            save_figure(figure, folder / f"losses-{run.folder.name}.png")
            text = f"Loss curves of {run.folder.name}."
            pictures.append(drawn(figure, text, text))
    return pictures


def _training_record(run: Run, bundle: Bundle) -> TrainingRecord:
    return TrainingRecord(
        method=run.row.title,
        seed=run.seed if bundle.training["epochs"] else None,
        epochs=bundle.training["epochs"],
        n_slices=bundle.training["n_slices"],
        hours=bundle.training["hours"],
        n_parameters=count_parameters([bundle.method]),
    )


def _cohort(experiment: Experiment, stores: Stores, patients: Sequence[Path]) -> dict[str, Any]:
    return {
        "phantoms": experiment.cohort.healthy > 0,
        "prepared scans to learn from": len(store.paths(stores.normals)),
        "patients reported": len(patients),
    }


def timing_notes(timings: Mapping[str, Timing]) -> list[str]:
    """Say how the seconds per slice were measured, once for all methods timed alike."""
    alike: dict[str, list[str]] = {}
    for title, timing in timings.items():
        how = (
            f"{timing.engine} on {timing.device}, batch size {timing.batch_size}, one pass to warm "
            f"up and the median of {timing.repeats}"
        )
        alike.setdefault(how, []).append(title)
    return [f"Seconds per slice of {', '.join(titles)}: {how}." for how, titles in alike.items()]


def _notes(experiment: Experiment, bundles: Iterable[Bundle]) -> list[str]:
    notes = ["Every threshold comes from scans without lesions; oracle figures are named so."]
    if experiment.cohort.healthy:
        notes.append("The scans are phantoms: figures say nothing about real scans.")
    epochs = {bundle.training["epochs"] for bundle in bundles if bundle.training["epochs"]}
    if epochs and min(epochs) < PAPER_EPOCHS:
        notes.append(
            f"The networks were trained for {sorted(epochs)} epochs; the paper trains for "
            f"{PAPER_EPOCHS}."
        )
    return notes
