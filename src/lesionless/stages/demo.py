"""The demonstration: a phantom cohort from nothing to a report, offline."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lesionless.evaluation.results import Results
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.experiment import Cohort, Experiment, MethodRow
from lesionless.models.bundle import load
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.stages.benchmark import judge_runs, patients_of, prepare_cohort, runs_of, train_run
from lesionless.stages.progress import Track, silent
from lesionless.stages.report import write_report
from lesionless.stages.segment import segment_scans
from lesionless.training.loop import Epoch

DEMO = Experiment(
    title="Demonstration on phantoms",
    cohort=Cohort(healthy=12, patients=4, seed=2018, thickness_mm=4.0, test_split="test"),
    # the phantoms have no skull, so there is nothing to strip
    prepare={"strip": "none", "n4": False, "matrix": 128},
    normals={"levels": "mid"},
    training={"epochs": 30},
    regions=("mid",),
    operating_points=("fpr-1e-3", "p98"),
    methods=(
        MethodRow(name="intensity"),
        MethodRow(name="intensity-equalised"),
        MethodRow(name="local-contrast"),
        MethodRow(name="sAE3"),
    ),
)


@dataclass(frozen=True)
class Demo:
    """Name what the demonstration made."""

    results: Results
    report: Path
    segmented: Path


def demo(
    out: Path,
    *,
    experiment: Experiment = DEMO,
    track: Track = silent,
    on_phantom: Callable[[str], None] | None = None,
    on_epoch: Callable[[str], Callable[[Epoch], None]] = lambda label: lambda epoch: None,
) -> Demo:
    """Make phantoms, train, segment, evaluate and report; a stopped demonstration goes on.

    Args:
        out: Folder for everything.
        experiment: What is done; its cohort must be a phantom.
        track: Shows progress.
        on_phantom: Called with a line after each phantom that is made.
        on_epoch: From the name of a method to what is called after each of its epochs.
    """
    stores = prepare_cohort(experiment, out, track=track, on_phantom=on_phantom)
    runs = runs_of(experiment, out)
    for run in runs:
        train_run(experiment, stores, run, on_epoch(run.row.title), track=track)
    network = load(runs[-1].folder)
    segmented = out / "segmented"
    segment_scans(
        out / "phantom",
        segmented,
        network,
        PrepareSettings(**experiment.prepare),
        subjects=[path.parent.name for path in patients_of(experiment, stores)],
        track=track,
    )
    results, timings = judge_runs(experiment, stores, runs, out, EvaluationSettings(), track=track)
    report = write_report(experiment, out, stores, runs, results, timings)
    return Demo(results, report, segmented)
