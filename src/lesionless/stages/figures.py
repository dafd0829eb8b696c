"""The figures of a benchmark: drawn from its models, its patients and its results."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from lesionless import store
from lesionless.arrays import SliceMask
from lesionless.evaluation.results import Results
from lesionless.experiment import Experiment
from lesionless.models.bundle import Bundle
from lesionless.preprocess.prepared import PreparedScan
from lesionless.report.architecture import has_code, is_network
from lesionless.report.architecture_figure import architecture_figure
from lesionless.report.evaluation_figures import FIGURES
from lesionless.report.figures import latent_size_figure
from lesionless.report.paper_figures import Panel, idea_figure, panel_figure, samples_figure
from lesionless.stages.benchmark import Run
from lesionless.stages.cases import case_of, judged_regions
from lesionless.stages.latent_study import latent_study
from lesionless.stages.model_folder import ANY_SAMPLES
from lesionless.stages.rebuild import Rebuild, cache_of, rebuilder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PANELS = 3
PANEL_CAPTION = (
    "Slices of three patients with the reference lesions; for each method the filtered score "
    "and the mask, as in the paper's Fig. 4."
)


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


def benchmark_figures(
    experiment: Experiment,
    bundles: Mapping[Run, Bundle],
    patients: Sequence[Path],
    results: Results,
    out: Path,
) -> list[Shown]:
    """Draw all figures of an experiment, in the order of the paper's where it has them.

    Args:
        experiment: The experiment.
        bundles: Its trained models.
        patients: The prepared scans that are reported.
        results: What the evaluation found.
        out: The experiment's folder, which keeps dear reconstructions.
    """
    point, region = experiment.operating_points[0], judged_regions(results)[-1]
    first = next(iter(bundles)).seed
    shown = {run: bundle for run, bundle in bundles.items() if run.seed == first}
    rebuilds = {
        run: rebuilder(bundle.method, cache=cache_of(out, run.folder))
        for run, bundle in shown.items()
    }
    networks = {run: bundle for run, bundle in shown.items() if is_network(bundle.method)}
    scans = most_affected(patients, MOST_PANELS)
    return [
        *(_idea(run, scans[0], rebuilds[run]) for run in list(networks)[:1]),
        *_architectures(networks),
        Shown(
            "figure4", panel_figure(_panels(scans, shown, rebuilds, point)), PANEL_CAPTION, "jpeg"
        ),
        *(figure for run in bundles for figure in _samples(run)),
        *(
            Shown(name, listed.draw(results, operating_point=point, region=region), listed.caption)
            for name, listed in FIGURES.items()
        ),
        *_latent_sizes(networks, results, point, region),
    ]


def most_affected(patients: Sequence[Path], number: int) -> list[PreparedScan]:
    """Return the scans with the largest lesion area in one slice, the largest first.

    No other scan is kept in memory.
    """
    chosen = heapq.nlargest(number, patients, key=lambda path: _largest_area(store.load(path)))
    return [store.load(path) for path in chosen]


def _largest_area(scan: PreparedScan) -> int:
    return int(_lesion(scan).sum(axis=(1, 2)).max())


def _lesion(scan: PreparedScan) -> SliceMask:
    return np.zeros_like(scan.brain) if scan.lesion is None else scan.lesion


def _telling_slice(scan: PreparedScan) -> int:
    """Return the slice with the largest lesion area."""
    return int(_lesion(scan).sum(axis=(1, 2)).argmax())


def _idea(run: Run, scan: PreparedScan, rebuild: Rebuild) -> Shown:
    at = _telling_slice(scan)
    rebuilt = rebuild(scan, np.arange(len(scan.image)) == at)[at] * scan.brain[at]
    residual = np.abs(scan.image[at] - rebuilt) * scan.brain[at]
    figure = idea_figure(scan.image[at], rebuilt, residual, _lesion(scan)[at])
    caption = (
        f"The idea, as in the paper's Fig. 1: a slice of sub-{scan.subject}, what {run.row.title} "
        "makes of it, and what is left over."
    )
    return Shown("figure1", figure, caption, "jpeg")


def _architectures(networks: Mapping[Run, Bundle]) -> list[Shown]:
    methods = {
        run.row.title: bundle.method for run, bundle in networks.items() if has_code(bundle.method)
    }
    if not methods:
        return []
    return [Shown("figure3", architecture_figure(methods), "The networks compared.")]


def _panels(
    scans: Sequence[PreparedScan],
    bundles: Mapping[Run, Bundle],
    rebuilds: Mapping[Run, Rebuild],
    point: str,
) -> list[Panel]:
    """Return the paper's Fig. 4: one slice of each scan as every method sees it."""
    panels = []
    for scan in scans:
        at = _telling_slice(scan)
        cases = {
            run.row.title: case_of(
                bundle,
                scan,
                rebuilds[run],
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
                lesion=_lesion(scan)[at],
                scores={title: case.score[at] for title, case in cases.items()},
                segmentations={t: case.segmentations[point][at] for t, case in cases.items()},
            )
        )
    return panels


def _samples(run: Run) -> list[Shown]:
    """Draw what a generator made through training, where the run kept it; one file per run."""
    files = sorted(run.folder.glob(ANY_SAMPLES))
    if not files:
        return []
    samples = {int(file.stem.split("-")[1]): np.load(file).astype(np.float32) for file in files}
    caption = (
        f"Samples of {run.row.title} (seed {run.seed}) through training, from the same four "
        "codes, as in the paper's Fig. 5."
    )
    return [Shown(f"figure5-{run.folder.name}", samples_figure(samples), caption, "jpeg")]


def _latent_sizes(
    networks: Mapping[Run, Bundle], results: Results, point: str, region: str
) -> list[Shown]:
    by_title = {run.row.title: bundle for run, bundle in networks.items()}
    study = latent_study(by_title, results, operating_point=point, region=region)
    if not study:
        return []
    caption = (
        f"What the size of the code changes: AUPRC of all voxels, and mean Dice at {point}, with "
        "bootstrap intervals."
    )
    return [Shown("latent-size", latent_size_figure(study), caption)]
