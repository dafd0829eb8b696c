import csv
from dataclasses import replace
from pathlib import Path

import pytest

from lesionless.errors import ModelError, UsageError
from lesionless.evaluation.results import Results
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.evaluation.timing import Timing
from lesionless.experiment import Experiment, MethodRow, read_experiment
from lesionless.models.bundle import load, save
from lesionless.report.paper_table import PAPER_TABLE1
from lesionless.stages.ablate import ABLATIONS, ablate
from lesionless.stages.benchmark import (
    Run,
    Stores,
    judge_runs,
    patients_of,
    prepare_cohort,
    runs_of,
    train_run,
)
from lesionless.stages.report import read_training, timing_notes, write_report, write_tables

QUICK = EvaluationSettings(bootstrap_draws=20, permutation_draws=20, froc_points=3)
EXPERIMENT = Experiment(
    title="two competitors",
    cohort={"test_split": "test"},
    methods=(MethodRow(name="intensity"), MethodRow(name="sAE3", training={"epochs": 1})),
    regions=("all", "mid"),
    operating_points=("p98", "fpr-1e-2"),
)


@pytest.fixture(scope="module")
def out(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmark")
    for run in runs_of(EXPERIMENT, folder):
        train_run(EXPERIMENT, Stores(prepared, prepared), run)
    return folder


def test_patients_and_normals_are_prepared_by_as_many_jobs_as_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, object]] = []

    def prepare(source: Path, *_: object, jobs: int | None, **__: object) -> None:
        seen.append((source.name, jobs))
        if len(seen) == 2:
            raise UsageError("Stopped by the test.")

    monkeypatch.setattr("lesionless.stages.benchmark.prepare", prepare)
    with pytest.raises(UsageError, match="Stopped"):
        prepare_cohort(
            EXPERIMENT, tmp_path, normals=tmp_path / "well", patients=tmp_path / "ill", jobs=3
        )
    assert sorted(seen) == [("ill", 3), ("well", 3)]


def test_a_trained_model_is_judged_as_it_is(prepared: Path, out: Path, tmp_path: Path) -> None:
    mine = str(out / "models" / "sAE3-seed0")
    row = MethodRow(name="sAE3", label="mine", trained=mine)
    experiment = EXPERIMENT.model_copy(update={"methods": (row,), "seeds": (0, 1)})
    (run,) = runs_of(experiment, tmp_path)
    assert run.is_trained
    bundle = train_run(experiment, Stores(prepared, prepared), run)
    assert bundle.thresholds == load(mine).thresholds
    assert not list(tmp_path.iterdir())
    shipped = MethodRow(name="intensity", trained="intensity")
    (run,) = runs_of(experiment.model_copy(update={"methods": (shipped,)}), tmp_path)
    assert run.is_trained


def test_a_trained_model_without_a_threshold_is_named(out: Path, tmp_path: Path) -> None:
    """One of an earlier version, before there was such a point."""
    bundle = load(out / "models" / "sAE3-seed0")
    thresholds = {name: at for name, at in bundle.thresholds.items() if name != "fpr-1e-3"}
    save(replace(bundle, thresholds=thresholds), tmp_path / "old")
    row = MethodRow(name="sAE3", label="mine", trained=str(tmp_path / "old"))
    changes = {"methods": (row,), "operating_points": ("p98", "fpr-1e-3")}
    experiment = EXPERIMENT.model_copy(update=changes)
    with pytest.raises(UsageError, match=r"mine: expected thresholds at fpr-1e-3, found .*p98"):
        runs_of(experiment, tmp_path)


def test_one_row_is_done_without_the_models_of_the_others(tmp_path: Path) -> None:
    rows = (MethodRow(name="intensity"), MethodRow(name="sAE3", trained="missing"))
    experiment = EXPERIMENT.model_copy(update={"methods": rows})
    (run,) = runs_of(experiment, tmp_path, ["intensity"])
    assert run.row.title == "intensity"
    with pytest.raises(ModelError, match="missing"):
        runs_of(experiment, tmp_path)


def test_benchmark_writes_one_table_and_a_page(prepared: Path, out: Path) -> None:
    stores, runs = Stores(prepared, prepared), runs_of(EXPERIMENT, out)
    results, timings = judge_runs(EXPERIMENT, stores, runs, out, QUICK)
    assert results.methods == ["intensity", "sAE3"]
    assert set(timings) == {"intensity", "sAE3"}
    page = write_report(EXPERIMENT, out, stores, runs, results, timings)
    text = page.read_text(encoding="utf-8")
    assert "two competitors" in text
    assert "trained for [1] epochs; the paper trains for 150" in text
    assert "Seconds per slice of intensity, sAE3: torch on cpu" in text
    with (out / "tables" / "table1_all_p98.csv").open(encoding="utf-8", newline="") as file:
        table1 = {row["Method"]: row for row in csv.DictReader(file)}
    assert list(table1) == [*PAPER_TABLE1, "intensity"]
    assert table1["sAE3"]["Dice, paper"].startswith("0.5855")
    said = [table1["sAE3"][name] for name in ("Epochs", "Slices", "Seed")]
    assert said == ["1", f"{load(out / 'models' / 'sAE3-seed0').training['n_slices']:,}", "0"]
    assert (table1["intensity"]["Epochs"], table1["intensity"]["Seed"]) == ("0", "-")
    assert table1["dAE"]["Hours"] == "-"
    write_tables(results, out / "again", read_training(out / "results"))
    with (out / "again" / "table1_all_p98.csv").open(encoding="utf-8", newline="") as file:
        assert {row["Method"]: row for row in csv.DictReader(file)} == table1
    assert read_training(out / "tables") == []
    carried = (out / "tables" / "operating-points_lesion-free.csv").read_text(encoding="utf-8")
    assert carried.count("intensity") == 2
    for name in ("figure1", "figure3", "figure4", "losses-sAE3-seed0"):
        assert (out / "figures" / f"{name}.png").stat().st_size > 1000


def test_nothing_to_judge_is_said_in_the_words_of_a_benchmark(
    prepared: Path, tmp_path: Path
) -> None:
    stores, runs = Stores(prepared, prepared), runs_of(EXPERIMENT, tmp_path)
    said = "trained models of intensity, sAE3, found none in .*models.* without --no-train"
    with pytest.raises(UsageError, match=said):
        judge_runs(EXPERIMENT, stores, runs, tmp_path, QUICK)


def test_a_method_of_several_seeds_is_timed_once(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = EXPERIMENT.model_copy(update={"seeds": (0, 1), "methods": EXPERIMENT.methods[:1]})
    stores, runs = Stores(prepared, prepared), runs_of(seeds, tmp_path)
    for run in runs:
        train_run(seeds, stores, run)
    timed: list[str] = []

    def timing(run: Run, patient: Path) -> Timing:
        timed.append(run.row.title)
        return Timing(0.01, 0.01, 0.01, 8, 16, 3, "torch", "cpu, 1 threads")

    monkeypatch.setattr("lesionless.stages.benchmark._timing", timing)
    _, timings = judge_runs(seeds, stores, runs, tmp_path, QUICK)
    assert timed == list(timings) == ["intensity"]


def test_ablations_leave_the_trained_row_as_it_is(prepared: Path, out: Path) -> None:
    stores, runs = Stores(prepared, prepared), runs_of(EXPERIMENT, out, ["sAE3"])
    before, _ = judge_runs(EXPERIMENT, stores, runs, out, QUICK)
    after = ablate(EXPERIMENT, stores, runs, out, QUICK)
    assert len(after.methods) == len(ABLATIONS)
    values, trained = auprc_by_method(after), auprc_by_method(before)
    assert values["sAE3: as trained"] == pytest.approx(trained["sAE3"])
    assert values["sAE3: no median"] != values["sAE3: as trained"]


def auprc_by_method(results: Results) -> dict[str, float]:
    return {
        row.method: row.values["auprc"]
        for row in results.rows
        if row.region == "all" and "auprc" in row.values
    }


def test_only_known_methods_can_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sAE3"):
        runs_of(EXPERIMENT, tmp_path, ["sAE4"])


def test_a_split_without_patients_is_refused(prepared: Path) -> None:
    with pytest.raises(UsageError, match="test_split"):
        nobody = EXPERIMENT.model_copy(
            update={"cohort": EXPERIMENT.cohort.model_copy(update={"test_split": "none"})}
        )
        patients_of(nobody, Stores(prepared, prepared))


def test_wrong_fields_of_an_experiment_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('title = "x"\nepoch = 3\n[[methods]]\nname = "sAE3"\n')
    with pytest.raises(UsageError, match="epoch"):
        read_experiment(path)


def test_methods_that_are_timed_in_another_way_have_their_own_note() -> None:
    usual = Timing(0.01, 0.01, 0.01, 8, 16, 3, "torch", "cpu, 1 threads")
    dear = replace(usual, batch_size=1, repeats=1)
    first, second = timing_notes({"a": usual, "AnoGAN": dear, "b": usual})
    assert first.startswith("Seconds per slice of a, b: torch on cpu, 1 threads, batch size 8")
    assert second.startswith("Seconds per slice of AnoGAN: torch on cpu, 1 threads, batch size 1")


def test_models_of_a_benchmark_are_whole(out: Path) -> None:
    assert load(out / "models" / "sAE3-seed0").training["epochs"] == 1
