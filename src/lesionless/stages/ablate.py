"""What each step of the scoring adds: the same models scored in other ways, nothing trained."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lesionless.evaluation.archive import write_results
from lesionless.evaluation.case import Case
from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.results import Results
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.experiment import Experiment
from lesionless.models.bundle import Bundle, load
from lesionless.scoring.recipe import ScoreSettings
from lesionless.stages.benchmark import Run, Stores, patients_of
from lesionless.stages.calibrate import calibrate
from lesionless.stages.cases import case_of
from lesionless.stages.normals import Normals
from lesionless.stages.progress import Track, silent
from lesionless.stages.rebuild import cache_of, rebuilder, remembered
from lesionless.stages.reported import load_reported
from lesionless.training.normals import NormalsSettings

ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "as trained": {},
    "absolute residual": {"residual": "absolute"},
    "positive residual": {"residual": "positive"},
    "times equalised": {"residual": "positive", "times_equalised": True},
    "times intensity": {"residual": "positive", "times_intensity": True},
    "by location": {"residual": "positive", "times_equalised": True, "location": True},
    "no median": {"filter": "none"},
    "median 3x3": {"filter_size": 3},
    "median 5x5x5": {"filter": "median-3d"},
    "rim eroded by 3": {"erosion_pixels": 3},
    "slices alone": {"reach_mm": 0.0},
    "axial slices alone": {"all_planes": False},
    "any tissue": {"outside_white_matter": 1.0},
    "white matter first": {"outside_white_matter": 0.5},
    "no component filter": {"min_lesion_mm3": 0.0},
}
"""From the name of a row to the fields of `ScoreSettings` that it changes."""


def ablate(
    experiment: Experiment,
    stores: Stores,
    runs: Sequence[Run],
    out: Path,
    settings: EvaluationSettings,
    *,
    track: Track = silent,
) -> Results:
    """Score every trained model in every way, set its thresholds anew, and judge it.

    Args:
        experiment: The experiment.
        stores: Its prepared scans.
        runs: Its training runs; those that are not finished are left out.
        out: Its folder; results go to `ablations`.
        settings: The choices of the evaluation.
        track: Shows progress.
    """
    trained = [run for run in runs if run.is_trained]
    patients = patients_of(experiment, stores)
    total = len(trained) * len(ABLATIONS) * len(patients)
    cases = _cases(experiment, stores, trained, patients, out)
    results = evaluate(track(cases, label="ablate", total=total), settings)
    write_results(results, out / "ablations")
    return results


def rescored(bundle: Bundle, changes: Mapping[str, Any]) -> Bundle:
    """Return a bundle with other scoring, not yet calibrated."""
    return replace(bundle, scoring=asdict(replace(ScoreSettings(**bundle.scoring), **changes)))


def _cases(
    experiment: Experiment,
    stores: Stores,
    runs: Sequence[Run],
    patients: Sequence[Path],
    out: Path,
) -> Iterator[Case]:
    normals = NormalsSettings(**experiment.normals)
    learnt, held_out = (list(Normals(stores.normals, part, normals)) for part in ("train", "val"))
    for run in runs:
        bundle = load(run.folder)
        rebuild = remembered(rebuilder(bundle.method, cache=cache_of(out, run.folder)))
        for title, changes in ABLATIONS.items():
            ready = calibrate(
                rescored(bundle, changes),
                learnt,
                held_out,
                rebuild=rebuild,
                max_slices=run.row.calibration_slices,
            )
            for path in patients:
                yield case_of(
                    ready,
                    load_reported(path),
                    rebuild,
                    title=f"{run.row.title}: {title}",
                    seed=run.seed,
                    regions=experiment.regions,
                    operating_points=experiment.operating_points,
                )
