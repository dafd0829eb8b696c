import ast
import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from lesionless.cli import main, run
from lesionless.cli.app import TERMINATED, WRONG_USAGE
from lesionless.data.derivatives import read_tsv
from lesionless.data.phantom import PhantomSettings, write_cohort
from lesionless.errors import UsageError
from lesionless.experiment import Experiment
from lesionless.stages import benchmark

COMMANDS = (
    *("phantom", "prepare", "train", "segment", "evaluate", "benchmark", "demo"),
    *("report", "models", "fetch", "calibrate", "bids", "export"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    assert "Usage: lesionless" in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from lesionless.cli import run; run(['--help']); "
        "print([m for m in ('torch', 'SimpleITK', 'nilearn', 'matplotlib', 'scipy') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("asked", "expected"), [({}, {1}), ({"OPENBLAS_NUM_THREADS": "2"}, {2})])
def test_numpy_s_threads_do_not_spin_unless_asked_for(
    asked: dict[str, str], expected: set[int]
) -> None:
    code = (
        "import lesionless.cli, threadpoolctl, numpy; "
        "print({p['num_threads'] for p in threadpoolctl.threadpool_info() "
        "if p['internal_api'] == 'openblas'})"
    )
    inherited = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        check=True,
        env=inherited | asked,
    )
    assert ast.literal_eval(done.stdout.splitlines()[-1]) <= expected  # other BLAS: none


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["segment"],
        ["segment", "missing.nii.gz", "out"],
        ["prepare", "missing", "out", "--slices", "some"],
        ["train", "missing", "model"],
        ["calibrate", "missing", "model"],
        ["train", "missing", "model", "--epochs", "many"],
        ["benchmark", "missing.toml", "out"],
        ["report", "missing"],
        ["fetch", "sri25"],
        ["bids", "missing", "out", "participant"],
        ["bids", "missing", "out", "group"],
        ["bids", "missing", "out", "everyone"],
        ["export", "restoration", "out.pb", "--format", "tensorflow"],
        ["segment", "scan.nii.gz", "scan.nii.gz/out", "--model", "intensity"],
        ["segment", "scan.nii.gz", "out", "--mask", "{id}.nii.gz"],
        ["segment", "scan.nii.gz", "out", "--mask", "{subject.nii.gz"],
    ],
)
def test_wrong_usage_exits_with_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan.nii.gz").touch()
    assert run(arguments) == 2


def test_a_stopped_command_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lesionless.models.bundle.load", stop)
    assert run(["segment", str(tmp_path), str(tmp_path / "out")]) == 130
    assert "Run the same command again" in capsys.readouterr().err


def test_sigterm_ends_a_command_as_ctrl_c_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("lesionless.models.bundle.load", killed)
    try:
        monkeypatch.setattr(sys, "argv", ["lesionless", "models", "restoration"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == TERMINATED
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "Run the same command again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "Output: .*Disk quota exceeded"),
        (OSError(errno.EIO, "Input/output error"), "Output: .*Input/output error"),
        (MemoryError("600 MiB"), r"Expected more memory.*600 MiB"),
    ],
)
def test_what_the_machine_lacks_is_no_internal_error(
    error: Exception, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("lesionless.models.bundle.load", fail)
    assert run(["models", "restoration"]) == WRONG_USAGE
    assert re.search(said, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("options", "epochs", "split"),
    [([], 150, "test"), (["--epochs", "3"], 3, "test"), (["--test-split", "all"], 150, "all")],
)
def test_benchmark_changes_what_it_is_told(
    options: list[str], epochs: int, split: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Experiment] = []

    def stop(plan: Experiment, *_: object, **__: object) -> None:
        seen.append(plan)
        raise UsageError("Stopped by the test.")

    monkeypatch.setattr(benchmark, "prepare_cohort", stop)
    experiment = Path(__file__).parents[2] / "experiments" / "paper2018.toml"
    assert run(["benchmark", str(experiment), str(tmp_path), *options]) == 2
    found = [(plan.training["epochs"], plan.cohort.test_split) for plan in seen]
    assert found == [(epochs, split)]


def test_benchmark_takes_as_many_jobs_and_threads_as_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[object, int]] = []

    def stop(*_: object, jobs: int | None, **__: object) -> None:
        seen.append((jobs, torch.get_num_threads()))
        raise UsageError("Stopped by the test.")

    monkeypatch.setattr(benchmark, "prepare_cohort", stop)
    experiment = str(Path(__file__).parents[2] / "experiments" / "paper2018.toml")
    before = torch.get_num_threads()
    try:
        assert run(["benchmark", experiment, str(tmp_path), "--jobs", "3", "--threads", "1"]) == 2
        assert run(["benchmark", experiment, str(tmp_path)]) == 2
    finally:
        torch.set_num_threads(before)
    assert seen == [(3, 1), (None, 1)]


def test_a_benchmark_counts_lesions_by_the_rules_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def stop(*arguments: object, **_: object) -> None:
        seen.append(arguments[4].lesion_rules.minimum_mm3)  # type: ignore[attr-defined]
        raise UsageError("Stopped by the test.")

    monkeypatch.setattr(benchmark, "prepare_cohort", lambda *_, **__: None)
    monkeypatch.setattr(benchmark, "judge_runs", stop)
    whole = Path(__file__).parents[2] / "experiments" / "paper2018.toml"
    own = tmp_path / "own.toml"
    own.write_text(f'extends = "{whole}"\n[lesion_rules]\nminimum_mm3 = 9.0\n')
    assert run(["benchmark", str(own), str(tmp_path), "--no-train", "--threads", "1"]) == 2
    assert seen == [9.0]


def test_training_and_calibration_take_few_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int | None] = []
    monkeypatch.setattr(
        "lesionless.stages.train.train_model",
        lambda prepared, out, request, **_: seen.append(request.calibration_slices),
    )
    monkeypatch.setattr(
        "lesionless.stages.recalibrate.recalibrate",
        lambda *_, max_slices, **__: seen.append(max_slices),
    )
    for command in ("train", "calibrate"):
        assert run([command, "prepared", "model", "--calibration-slices", "7"]) == 0
        assert run([command, "prepared", "model"]) == 0
    assert seen == [7, None, 7, None]


@pytest.mark.parametrize(
    ("options", "model", "start", "patients", "rate"),
    [
        ([], "sVAE-GAN", None, None, 1.0),
        (["--model", "dAE"], "dAE", None, None, 1.0),
        (
            ["--start", "restoration", "--patients", "p", "--rate", "0.3"],
            *(None, "restoration", Path("p"), 0.3),
        ),
    ],
)
def test_training_starts_where_it_is_told(
    options: list[str],
    model: str | None,
    start: str | None,
    patients: Path | None,
    rate: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[object, ...]] = []
    monkeypatch.setattr(
        "lesionless.stages.train.train_model",
        lambda prepared, out, request, *, patients, **_: seen.append(
            (request.model, request.start, patients, request.training.rate)
        ),
    )
    assert run(["train", "prepared", "model", *options]) == 0
    assert seen == [(model, start, patients, rate)]


def test_models_lists_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    assert "sVAE-GAN" in capsys.readouterr().out


def test_a_model_s_operating_points_are_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert run(["models", "restoration"]) == 0
    said = capsys.readouterr().out
    assert "restoration: FLAIR, 256 x 256 pixels, mni152" in said
    assert [line.split()[1:4] for line in said.splitlines() if "-3 *" in line] == [
        ["fpr-2e-3", "*", "│"]
    ]
    assert "0.1 % on held-out normals" in said and "98th percentile" in said
    assert run(["models", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_from_scan_to_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bad scan exits with 1, the good one is segmented by the shipped model and judged."""
    cohort = tmp_path / "cohort"
    coarse = PhantomSettings(anatomy_mm=4)
    write_cohort(cohort, healthy=0, patients=1, seed=3, thickness_mm=8.0, settings=coarse)
    bad = cohort / "sub-bad" / "anat" / "sub-bad_FLAIR.nii.gz"
    bad.parent.mkdir(parents=True)
    bad.write_text("no scan")
    out = str(tmp_path / "out")
    assert run(["segment", str(cohort), out, "--strip", "none", "--slices", "mid"]) == 1
    assert "failed: sub-bad_FLAIR" in capsys.readouterr().out
    truth = str(cohort / "derivatives")
    assert run(["evaluate", out, str(tmp_path / "table"), "--truth", truth]) == 0
    assert (tmp_path / "table" / "subjects.csv").read_text().count("\n") >= 2
    assert run(["report", str(tmp_path / "table")]) == 0
    assert list((tmp_path / "table" / "tables").glob("summary_*.md"))
    subject = next(cohort.glob("sub-[!b]*")).name
    app = ["bids", str(cohort), out]
    same = ["--strip", "none", "--slices", "mid"]
    assert run([*app, "participant", "--participant_label", subject, *same]) == 0
    assert "0 done, 1 there already, 0 failed" in capsys.readouterr().out
    assert run([*app, "participant", "--participant-label", subject, "bad"]) == 1
    assert run([*app, "participant", "--participant-label"]) == 2
    manifests = {path.name for path in (tmp_path / "out").glob("run*.json")}
    assert manifests == {"run.json", f"run_{subject}.json", "run_sub-bad_and_1_more.json"}
    capsys.readouterr()
    assert run([*app, "group"]) == 0
    assert "not segmented: sub-bad_FLAIR\n" in capsys.readouterr().out
    assert run([*app, "group", "--participant-label", subject]) == 0
    assert "not segmented" not in capsys.readouterr().out
    assert run(["bids", str(tmp_path / "nowhere"), out, "group"]) == 2
    (row,) = read_tsv(tmp_path / "out" / "group_lesions.tsv")
    assert row["scan"] == subject and float(row["lesion_ml"]) > 0


def test_a_broken_scan_of_a_benchmark_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = tmp_path / "cohort"
    coarse = PhantomSettings(anatomy_mm=4)
    write_cohort(cohort, healthy=3, patients=2, seed=3, thickness_mm=8.0, settings=coarse)
    *_, bad = sorted(cohort.glob("sub-patient*/anat/*_FLAIR.nii.gz"))
    bad.write_text("no scan")
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'title = "one broken patient"\noperating_points = ["p98"]\n'
        '[prepare]\nstrip = "none"\nn4 = false\ncurvature_iterations = 0\nmatrix = 64\n'
        '[[methods]]\nname = "intensity"\n'
    )
    arguments = ["benchmark", str(plan), str(tmp_path / "out"), "--normals", str(cohort)]
    assert run(arguments) == 1
    name = bad.name.removesuffix(".nii.gz")
    assert f"failed: {name}: " in capsys.readouterr().out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Scans that are missing" in page and f"<li>{name}: " in page
