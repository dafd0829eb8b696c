"""Tables, figures and the page of an experiment."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lesionless import store
from lesionless.evaluation.results import Results
from lesionless.evaluation.timing import Timing
from lesionless.experiment import Experiment
from lesionless.models.autoencoder import count_parameters
from lesionless.models.bundle import Bundle, load
from lesionless.preprocess.prepared import PreparedScan
from lesionless.provenance import describe_software, write_text_whole
from lesionless.report.architecture import is_network
from lesionless.report.architecture_figure import architecture_figure
from lesionless.report.benchmark_page import (
    BenchmarkReport,
    TrainingRecord,
    benchmark_page,
    drawn,
)
from lesionless.report.curve_figures import (
    dice_threshold_figure,
    froc_figure,
    precision_recall_figure,
)
from lesionless.report.figures import loss_curves_figure
from lesionless.report.html import Picture
from lesionless.report.methods_text import methods_text
from lesionless.report.paper_figures import Panel, panel_figure, samples_figure
from lesionless.report.spread_figures import box_figure, score_histogram_figure
from lesionless.report.style import save_figure
from lesionless.report.table_formats import Table, to_csv, to_latex, to_markdown
from lesionless.report.tables import (
    comparison_table,
    lesion_table,
    operating_point_table,
    paper_comparison_table,
    summary_table,
)
from lesionless.stages.benchmark import Run, Stores, patients_of
from lesionless.stages.cases import case_of, judged_regions
from lesionless.stages.rebuild import rebuilder
from lesionless.training.loop import LOSSES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER_EPOCHS = 150  # Sec. 3, "Implementation"
PANEL_CAPTION = (
    "Slices of three patients with the reference lesions; for each method the filtered score "
    "and the mask, as in the paper's Fig. 4."
)
CURVES: Mapping[Callable[..., "Figure"], str] = {
    precision_recall_figure: "Precision and recall of all voxels, with the prevalence.",
    score_histogram_figure: "Scores of normal and of lesion voxels, as in the paper's Fig. 6.",
    box_figure: "The spread over patients.",
    froc_figure: "Lesions found over false components per scan.",
    dice_threshold_figure: "Mean Dice over the threshold; its top is the oracle's.",
}


@dataclass(frozen=True, eq=False)
class Shown:
    """Hold one figure of a report.

    Attributes:
        name: Of its file.
        figure: The drawing.
        caption: What it shows.
        kind: How the page holds it; jpeg for slices.
    """

    name: str
    figure: "Figure"
    caption: str
    kind: Literal["png", "jpeg"] = "png"


def tables_of(results: Results) -> dict[str, Table]:
    """Return the tables of a report by file name."""
    tables: dict[str, Table] = {}
    for region in judged_regions(results):
        for point in results.operating_points:
            named = f"{region}_{point}"
            tables[f"table1_{named}"] = paper_comparison_table(
                results, operating_point=point, region=region
            )
            tables[f"summary_{named}"] = summary_table(
                results, operating_point=point, region=region
            )
            tables[f"lesions_{named}"] = lesion_table(results, operating_point=point, region=region)
        tables[f"tests_{region}"] = comparison_table(
            results, metric="auprc", operating_point=results.operating_points[0], region=region
        )
    for region in results.regions:
        tables[f"operating-points_{region}"] = operating_point_table(results, region=region)
    return tables


def write_tables(results: Results, folder: Path) -> dict[str, Table]:
    """Write every table as Markdown, LaTeX and CSV."""
    tables = tables_of(results)
    for name, table in tables.items():
        write_text_whole(folder / f"{name}.md", to_markdown(table) + "\n")
        write_text_whole(folder / f"{name}.tex", to_latex(table) + "\n")
        write_text_whole(folder / f"{name}.csv", to_csv(table))
    return tables


def panels_of(
    experiment: Experiment,
    bundles: Mapping[Run, Bundle],
    patients: Sequence[Path],
    out: Path,
    number: int,
) -> list[Panel]:
    """Return the paper's Fig. 4 for the patients with the most lesions: every method's slice."""
    scans = [store.load(path) for path in patients]
    chosen = sorted(scans, key=lambda scan: -_lesion_pixels(scan).max())[:number]
    point = experiment.operating_points[0]
    first = next(iter(bundles)).seed
    shown = [(run, bundle) for run, bundle in bundles.items() if run.seed == first]
    rebuilds = [
        rebuilder(bundle.method, cache=out / "rebuilt" / run.folder.name) for run, bundle in shown
    ]
    panels = []
    for scan in chosen:
        at = int(_lesion_pixels(scan).argmax())
        cases = {
            run.row.title: case_of(
                bundle,
                scan,
                rebuild,
                title=run.row.title,
                seed=run.seed,
                operating_points=[point],
            )
            for (run, bundle), rebuild in zip(shown, rebuilds, strict=True)
        }
        panels.append(
            Panel(
                title=f"sub-{scan.subject}",
                image=scan.image[at],
                lesion=np.zeros_like(scan.brain[at]) if scan.lesion is None else scan.lesion[at],
                scores={title: case.score[at] for title, case in cases.items()},
                segmentations={t: case.segmentations[point][at] for t, case in cases.items()},
            )
        )
    return panels


def _lesion_pixels(scan: PreparedScan) -> np.ndarray:
    if scan.lesion is None:
        return np.zeros(len(scan.image))
    return np.asarray(scan.lesion.sum(axis=(1, 2)))


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
    report = BenchmarkReport(
        title=experiment.title,
        tables=list(write_tables(results, out / "tables").values()),
        figures=_figures(experiment, out, stores, bundles, results),
        notes=_notes(experiment, bundles.values()),
        cohort=_cohort(experiment, stores),
        training=[_training_record(run, bundle) for run, bundle in bundles.items()],
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


def _figures(
    experiment: Experiment,
    out: Path,
    stores: Stores,
    bundles: Mapping[Run, Bundle],
    results: Results,
) -> list[Picture]:
    """Draw the paper's figures and the curves, each also as a file."""
    folder, point = out / "figures", experiment.operating_points[0]
    region = judged_regions(results)[-1]
    panels = panels_of(experiment, bundles, patients_of(experiment, stores), out, 3)
    networks = {
        run.row.title: bundle.method for run, bundle in bundles.items() if is_network(bundle.method)
    }
    figures = [
        Shown("figure4", panel_figure(panels), PANEL_CAPTION, "jpeg"),
        *[
            Shown(f"{draw.__name__}", draw(results, operating_point=point, region=region), caption)
            for draw, caption in CURVES.items()
        ],
    ]
    if networks:
        figures.append(Shown("figure3", architecture_figure(networks), "The networks compared."))
    for run in bundles:
        samples = _samples(run.folder)
        if samples:
            caption = f"Samples of {run.row.title} through training, from the same four codes."
            figures.append(Shown("figure5", samples_figure(samples), caption, "jpeg"))
    for shown in figures:
        save_figure(shown.figure, folder / f"{shown.name}.png")
    return [drawn(f.figure, f.caption, f.caption, kind=f.kind) for f in figures]


def _samples(folder: Path) -> dict[int, np.ndarray]:
    files = sorted(folder.glob("samples-*.npy"))
    return {int(file.stem.split("-")[1]): np.load(file).astype(np.float32) for file in files}


def _loss_curves(runs: Iterable[Run], folder: Path) -> list[Picture]:
    pictures = []
    for run in runs:
        path = run.folder / LOSSES
        if path.exists():
            with path.open(newline="") as file:
                rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
            figure = loss_curves_figure(rows, title=run.folder.name)
            save_figure(figure, folder / f"losses-{run.folder.name}.png")
            text = f"Loss curves of {run.folder.name}."
            pictures.append(drawn(figure, text, text))
    return pictures


def _training_record(run: Run, bundle: Bundle) -> TrainingRecord:
    return TrainingRecord(
        method=run.row.title,
        seed=run.seed,
        epochs=bundle.training["epochs"],
        n_slices=bundle.training["n_slices"],
        hours=bundle.training["hours"],
        n_parameters=count_parameters([bundle.method]),
    )


def _cohort(experiment: Experiment, stores: Stores) -> dict[str, Any]:
    patients = patients_of(experiment, stores)
    return {
        "phantoms": experiment.cohort.healthy > 0,
        "prepared scans to learn from": len(store.paths(stores.normals)),
        "patients reported": len(patients),
    }


def _notes(experiment: Experiment, bundles: Iterable[Bundle]) -> list[str]:
    notes = ["Every threshold comes from scans without lesions; oracle figures are named so."]
    if experiment.cohort.healthy:
        notes.append("The scans are phantoms: figures say nothing about real scans.")
    epochs = {bundle.training["epochs"] for bundle in bundles if bundle.training["epochs"]}
    if epochs and max(epochs) < PAPER_EPOCHS:
        notes.append(
            f"The networks were trained for {sorted(epochs)} epochs; the paper trains for "
            f"{PAPER_EPOCHS}."
        )
    return notes
