"""Which figures a benchmark draws, and from what."""

import weakref
from pathlib import Path

import numpy as np
import pytest

from lesionless import store
from lesionless.evaluation.results import Results
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.experiment import Experiment, MethodRow
from lesionless.models.bundle import Bundle, load
from lesionless.preprocess.prepared import PreparedScan
from lesionless.report.evaluation_figures import FIGURES
from lesionless.report.figures import LatentPoint
from lesionless.stages.benchmark import Run, Stores, judge_runs, patients_of, runs_of, train_run
from lesionless.stages.figures import benchmark_figures, most_affected
from lesionless.stages.latent_study import latent_study

QUICK = EvaluationSettings(bootstrap_draws=20, permutation_draws=20, froc_points=3)
NARROW = {"widths": (4, 8, 8, 8)}
STUDY = Experiment(
    title="two latent sizes",
    cohort={"test_split": "test"},
    training={"epochs": 1},
    operating_points=("p98",),
    methods=(
        MethodRow(name="intensity"),
        MethodRow(name="sAE3", label="8x8x4", settings={**NARROW, "halvings": 3, "latent": 4}),
        MethodRow(name="sAE3", label="4x4x8", settings={**NARROW, "halvings": 4, "latent": 8}),
    ),
)
SEEDS = Experiment(
    title="two seeds",
    cohort={"test_split": "test"},
    training={"epochs": 1},
    seeds=(0, 1),
    operating_points=("p98",),
    methods=(
        MethodRow(
            name="AnoGAN",
            settings={"widths": (8, 8, 8), "search_steps": 1},
            calibration_slices=4,
        ),
    ),
)


def trained(experiment: Experiment, prepared: Path, folder: Path) -> dict[Run, Bundle]:
    runs = runs_of(experiment, folder)
    stores = Stores(prepared, prepared)
    return {run: train_run(experiment, stores, run) for run in runs}


def judged(experiment: Experiment, prepared: Path, runs: list[Run], folder: Path) -> Results:
    results, _ = judge_runs(experiment, Stores(prepared, prepared), runs, folder, QUICK)
    return results


@pytest.fixture(scope="module")
def study(
    prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[Run, Bundle], Results, Path]:
    folder = tmp_path_factory.mktemp("study")
    bundles = trained(STUDY, prepared, folder)
    return bundles, judged(STUDY, prepared, list(bundles), folder), folder


def networks(bundles: dict[Run, Bundle]) -> dict[str, Bundle]:
    return {run.row.title: bundle for run, bundle in bundles.items() if run.row.name == "sAE3"}


def points(bundles: dict[str, Bundle], results: Results) -> dict[str, list[LatentPoint]]:
    return latent_study(bundles, results, operating_point="p98", region="all")


def test_latent_sizes_alone_make_a_study(study: tuple[dict[Run, Bundle], Results, Path]) -> None:
    bundles, results, _ = study
    found = points(networks(bundles), results)
    assert list(found) == ["AUPRC", "Dice"]
    assert [(p.label, p.n_values) for p in found["AUPRC"]] == [("8x8x4", 256), ("4x4x8", 128)]
    for label, metric, scope, at in (
        ("AUPRC", "auprc", "pooled", "any"),
        ("Dice", "dice", "subject", "p98"),
    ):
        for point in found[label]:
            summary = results.find(
                point.label, metric, region="all", operating_point=at, scope=scope
            )
            assert summary is not None
            np.testing.assert_equal(
                (point.value, point.lower, point.upper),
                (summary.value, summary.lower, summary.upper),
            )


def test_no_study_where_one_size_is_alone_or_something_else_differs(
    study: tuple[dict[Run, Bundle], Results, Path], prepared: Path, tmp_path: Path
) -> None:
    bundles, results, _ = study
    both = networks(bundles)
    assert points({"8x8x4": both["8x8x4"]}, results) == {}
    other = STUDY.model_copy(
        update={
            "methods": (
                MethodRow(name="sAE3", label="4x4x8", settings={**NARROW, "output": "sigmoid"}),
            )
        }
    )
    (different,) = trained(other, prepared, tmp_path).values()
    assert points({"8x8x4": both["8x8x4"], "4x4x8": different}, results) == {}
    assert points({}, results) == {}


def test_a_benchmark_of_latent_sizes_draws_the_study_and_the_idea(
    study: tuple[dict[Run, Bundle], Results, Path], prepared: Path
) -> None:
    bundles, results, folder = study
    patients = patients_of(STUDY, Stores(prepared, prepared))
    figures = {f.name: f for f in benchmark_figures(STUDY, bundles, patients, results, folder)}
    assert list(figures)[:3] == ["figure1", "figure3", "figure4"]
    assert list(figures)[3:] == [*FIGURES, "latent-size"]
    agreement = figures["volume_agreement"].figure
    assert [axes.get_title() for axes in agreement.axes] == ["intensity", "8x8x4", "4x4x8"]
    assert "8x8x4" in figures["figure1"].caption
    (scan,) = most_affected(patients, 1)
    at = int(scan.lesion.sum(axis=(1, 2)).argmax())
    method = load(next(run.folder for run in bundles if run.row.title == "8x8x4")).method
    shown, rebuilt, left = (
        axes.images[0].get_array() for axes in figures["figure1"].figure.axes[:3]
    )
    brain = scan.brain[at]
    assert shown.max() == pytest.approx(scan.image[at].max())
    import torch

    with torch.inference_mode():
        expected = method.reconstruct(torch.from_numpy(scan.image[at])[None, None])[0, 0].numpy()
    assert rebuilt.max() == pytest.approx((expected * brain).max(), abs=2e-2)
    np.testing.assert_allclose(left, np.abs(shown - rebuilt), atol=1e-6)


def test_a_benchmark_without_networks_has_no_idea_and_no_architecture(
    study: tuple[dict[Run, Bundle], Results, Path], prepared: Path
) -> None:
    bundles, results, folder = study
    alone = {run: bundle for run, bundle in bundles.items() if run.row.name == "intensity"}
    patients = patients_of(STUDY, Stores(prepared, prepared))
    figures = benchmark_figures(STUDY, alone, patients, results, folder)
    assert figures[0].name == "figure4"
    assert not {"figure1", "figure3", "latent-size"} & {f.name for f in figures}


def test_no_more_scans_are_held_than_are_shown(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[weakref.ref[PreparedScan]] = []
    at_once: list[int] = []

    def load(path: Path) -> PreparedScan:
        scan = stored(path)
        at_once.append(1 + sum(other() is not None for other in alive))
        alive.append(weakref.ref(scan))
        return scan

    stored = store.load
    monkeypatch.setattr("lesionless.stages.figures.store.load", load)
    paths = store.paths(prepared)
    (ill,) = (path for path in paths if store.subject_of(path).startswith("patient"))
    shown = most_affected(paths, 2)
    assert [scan.subject for scan in shown] == [store.subject_of(ill), store.subject_of(paths[0])]
    assert len(paths) > 2 and max(at_once) <= 2


def test_samples_of_every_seed_have_a_file(prepared: Path, tmp_path: Path) -> None:
    bundles = trained(SEEDS, prepared, tmp_path)
    results = judged(SEEDS, prepared, list(bundles), tmp_path)
    patients = patients_of(SEEDS, Stores(prepared, prepared))
    figures = benchmark_figures(SEEDS, bundles, patients, results, tmp_path)
    named = [figure.name for figure in figures]
    assert len(named) == len(set(named))
    samples = [figure for figure in figures if figure.name.startswith("figure5")]
    assert [f.name for f in samples] == ["figure5-AnoGAN-seed0", "figure5-AnoGAN-seed1"]
    first, second = (f.figure.axes[0].images[0].get_array() for f in samples)
    assert not np.array_equal(first, second)
