"""All methods of an experiment on one cohort: trained, judged, and put into one table."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from lesionless import store
from lesionless.data.phantom import PhantomSettings, write_cohort
from lesionless.errors import UsageError
from lesionless.evaluation.archive import RESULTS_FOLDER, write_results
from lesionless.evaluation.case import Case
from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.results import Results
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.evaluation.timing import Timing, time_per_slice
from lesionless.experiment import Experiment, MethodRow
from lesionless.models.bundle import Bundle, folder_of, is_complete, load
from lesionless.models.catalogue import entry
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.preprocess.prepared import PreparedScan
from lesionless.provenance import RunManifest
from lesionless.runtime.engine import engine
from lesionless.stages.cases import case_of
from lesionless.stages.prepare import prepare
from lesionless.stages.progress import Track, silent
from lesionless.stages.rebuild import cache_of, rebuilder
from lesionless.stages.reported import load_reported, reported_scans, warn_of_shared_subjects
from lesionless.stages.request import TrainRequest
from lesionless.stages.train import train_model
from lesionless.training.loop import Epoch, TrainSettings
from lesionless.training.normals import NormalsSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stores:
    """Name the prepared scans of an experiment.

    Attributes:
        normals: The store to learn from.
        patients: The store with the patients that are reported; may be the same.
        failed: Of each scan that could not be prepared, its name and why.
    """

    normals: Path
    patients: Path
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Run:
    """Hold one trained row of the table."""

    row: MethodRow
    seed: int
    folder: Path

    @property
    def is_trained(self) -> bool:
        """Say whether the model is complete."""
        return is_complete(self.folder)


def prepare_cohort(
    experiment: Experiment,
    out: Path,
    *,
    normals: Path | None = None,
    patients: Path | None = None,
    jobs: int | None = None,
    track: Track = silent,
    on_phantom: Callable[[str], None] | None = None,
) -> Stores:
    """Make or find the scans of an experiment and prepare them.

    Args:
        experiment: The experiment.
        out: Its folder.
        normals: BIDS tree of the scans to learn from, unless the cohort is a phantom.
        patients: BIDS tree of the patients; the same as `normals` by default.
        jobs: Scans that are prepared at a time; as many as the cores hold by default.
        track: Shows progress.
        on_phantom: Called with a line after each phantom that is made.

    Raises:
        UsageError: There are no scans, or no patients to report, see `patients_of`.
    """
    settings = PrepareSettings(**experiment.prepare)
    if normals is None:
        normals = _phantoms(experiment, out / "phantom", jobs, on_phantom)
    stores, prepared = Stores(out / "prepared", out / "prepared"), []
    if patients is not None and patients.resolve() != normals.resolve():
        stores = Stores(out / "prepared-normals", out / "prepared-patients")
        prepared.append(prepare(patients, stores.patients, settings, jobs=jobs, track=track))
    prepared.append(prepare(normals, stores.normals, settings, jobs=jobs, track=track))
    warn_of_shared_subjects(experiment, stores.normals, stores.patients)
    logger.info("%d scans of patients are reported", len(patients_of(experiment, stores)))
    return replace(stores, failed=tuple(line for run in prepared for line in _failures(run)))


def _failures(prepared: RunManifest) -> list[str]:
    return [f"{name}: {prepared.message(name)}" for name in prepared.failed]


def runs_of(experiment: Experiment, out: Path, only: Sequence[str] = ()) -> list[Run]:
    """List the training runs of an experiment, in the order of its methods.

    Raises:
        UsageError: A method that is asked for is not in the experiment, or a trained model lacks
            a threshold that is to be reported.
    """
    unknown = set(only) - {row.title for row in experiment.methods}
    if unknown:
        raise UsageError(
            f"Expected methods of the experiment "
            f"({', '.join(row.title for row in experiment.methods)}), found {sorted(unknown)}."
        )
    return [
        run
        for row in experiment.methods
        if not only or row.title in only
        for run in _runs_of_row(row, experiment, out)
    ]


def _runs_of_row(row: MethodRow, experiment: Experiment, out: Path) -> list[Run]:
    seeds = experiment.seeds
    if row.trained:
        _check_thresholds(row, experiment.operating_points)
        return [Run(row, seeds[0], folder_of(row.trained))]
    return [Run(row, seed, out / "models" / f"{row.title}-seed{seed}") for seed in seeds]


def _check_thresholds(row: MethodRow, points: Sequence[str]) -> None:
    """Refuse a trained model that lacks an operating point, before anything is prepared."""
    thresholds = load(row.trained).thresholds
    if missing := sorted(set(points) - set(thresholds)):
        raise UsageError(
            f"{row.title}: expected thresholds at {', '.join(missing)}, found those at "
            f"{', '.join(thresholds)}. `lesionless calibrate` sets all of them."
        )


def train_run(
    experiment: Experiment,
    stores: Stores,
    run: Run,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    *,
    track: Track = silent,
) -> Bundle:
    """Train, go on with, or read the model of one row."""
    if run.row.trained:
        return load(run.folder)
    network_scoring = experiment.scoring if entry(run.row.name).scoring is None else {}
    request = TrainRequest(
        model=run.row.name,
        training=TrainSettings(**experiment.training | run.row.training, seed=run.seed),
        normals=NormalsSettings(**experiment.normals),
        settings=run.row.settings,
        scoring=network_scoring | run.row.scoring,
        calibration_slices=run.row.calibration_slices,
    )
    return train_model(stores.normals, run.folder, request, on_epoch=on_epoch, track=track)


def judge_runs(
    experiment: Experiment,
    stores: Stores,
    runs: Sequence[Run],
    out: Path,
    settings: EvaluationSettings,
    *,
    track: Track = silent,
) -> tuple[Results, dict[str, Timing]]:
    """Judge all trained runs on the patients and write the results.

    Raises:
        UsageError: No run is trained, or there are no patients to report, see `patients_of`.
    """
    trained = _trained(runs, out)
    patients = patients_of(experiment, stores)
    one_per_title = {run.row.title: run for run in trained}  # seeds take the same time
    timings = {title: _timing(run, patients[0]) for title, run in one_per_title.items()}
    cases = _cases(experiment, trained, patients, out)
    shown = track(cases, label="evaluate", total=len(trained) * len(patients))
    seconds = {title: timing.seconds_per_slice for title, timing in timings.items()}
    results = evaluate(shown, settings, seconds_per_slice=seconds)
    write_results(results, out / RESULTS_FOLDER)
    return results, timings


def patients_of(experiment: Experiment, stores: Stores) -> list[Path]:
    """List the prepared scans that are reported, see `reported_scans`.

    Raises:
        UsageError: There is none.
    """
    return reported_scans(experiment, stores.normals, stores.patients)


def _trained(runs: Sequence[Run], out: Path) -> list[Run]:
    trained = [run for run in runs if run.is_trained]
    if not trained:
        titles = ", ".join(dict.fromkeys(run.row.title for run in runs))
        raise UsageError(
            f"Expected trained models of {titles}, found none in {out / 'models'}. "
            "Train them first: run the benchmark without --no-train."
        )
    return trained


def _cases(
    experiment: Experiment, runs: Sequence[Run], patients: Sequence[Path], out: Path
) -> Iterator[Case]:
    for run in runs:
        bundle = load(run.folder)
        rebuild = rebuilder(bundle.method, cache=cache_of(out, run.folder))
        for path in patients:
            yield case_of(
                bundle,
                load_reported(path),
                rebuild,
                title=run.row.title,
                seed=run.seed,
                regions=experiment.regions,
                operating_points=experiment.operating_points,
            )


def _timing(run: Run, patient: Path) -> Timing:
    """Time reconstruction on one patient's slices, as many as a method's pace allows."""
    method = load(run.folder).method
    scan: PreparedScan = store.load(patient)
    dear = hasattr(method, "search")
    middle = len(scan.image) // 2
    slices = (
        scan.image[middle : middle + 1]
        if dear
        else np.resize(scan.image, (16, *scan.image.shape[1:]))
    )
    batch_size = 1 if dear else 8
    return time_per_slice(
        engine(method, batch_size=batch_size),
        slices,
        batch_size=batch_size,
        repeats=1 if dear else 3,
        engine="torch",
        device=f"cpu, {torch.get_num_threads()} threads",
    )


def _phantoms(
    experiment: Experiment,
    folder: Path,
    jobs: int | None,
    on_phantom: Callable[[str], None] | None,
) -> Path:
    cohort = experiment.cohort
    if cohort.healthy + cohort.patients == 0:
        raise UsageError(
            "Expected scans to learn from, found neither a phantom cohort in the experiment nor "
            "--normals. Give one of them."
        )
    write_cohort(
        folder,
        healthy=cohort.healthy,
        patients=cohort.patients,
        seed=cohort.seed,
        thickness_mm=cohort.thickness_mm,
        settings=PhantomSettings(anatomy_mm=cohort.anatomy_mm),
        workers=jobs or 2,
        progress=on_phantom,
    )
    return folder
