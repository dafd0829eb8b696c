"""Tables, figures and the page of an experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lesionless import store
from lesionless.evaluation.results import Results
from lesionless.evaluation.timing import Timing
from lesionless.experiment import Experiment
from lesionless.models.bundle import load
from lesionless.preprocess.prepared import PreparedScan
from lesionless.provenance import write_text_whole
from lesionless.report.paper_figures import Panel, panel_figure
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
from lesionless.stages.cases import case_of
from lesionless.stages.rebuild import rebuilder


def tables_of(results: Results) -> dict[str, Table]:
    """Return the tables of a report by file name."""
    tables: dict[str, Table] = {}
    for region in results.regions:
        for point in results.operating_points:
            named = f"{region}_{point}"
            tables[f"table1_{named}"] = paper_comparison_table(
                results, operating_point=point, region=region
            )
            tables[f"summary_{named}"] = summary_table(
                results, operating_point=point, region=region
            )
            tables[f"lesions_{named}"] = lesion_table(results, operating_point=point, region=region)
        tables[f"operating-points_{region}"] = operating_point_table(results, region=region)
        tables[f"tests_{region}"] = comparison_table(
            results, metric="auprc", operating_point=results.operating_points[0], region=region
        )
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
    experiment: Experiment, runs: Sequence[Run], patients: Sequence[Path], out: Path, number: int
) -> list[Panel]:
    """Return the paper's Fig. 4 for the patients with the most lesions: every method's slice."""
    scans = [store.load(path) for path in patients]
    chosen = sorted(scans, key=lambda scan: -_lesion_pixels(scan).max())[:number]
    point = experiment.operating_points[0]
    first_seed = [run for run in runs if run.is_trained and run.seed == runs[0].seed]
    bundles = {run: load(run.folder) for run in first_seed}
    panels = []
    for scan in chosen:
        at = int(_lesion_pixels(scan).argmax())
        cases = {
            run.row.title: case_of(
                bundle,
                scan,
                rebuilder(bundle.method, cache=out / "rebuilt" / run.folder.name),
                title=run.row.title,
                seed=run.seed,
                operating_points=[point],
            )
            for run, bundle in bundles.items()
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
    """Write tables, figures and the page; return the page's path."""
    write_tables(results, out / "tables")
    panels = panels_of(experiment, runs, patients_of(experiment, stores), out, 3)
    figures = out / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    save_figure(panel_figure(panels), figures / "figure4.png")
    return figures / "figure4.png"
