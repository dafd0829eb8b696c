"""Commands that judge: evaluate, benchmark."""

from pathlib import Path

from lesionless.cli.app import DONE, app
from lesionless.cli.show import Show, print_results


@app.command
def evaluate(
    segmented: Path,
    out: Path,
    /,
    *,
    truth: Path,
    label: str = "lesion",
    pattern: str | None = None,
    method: str = "",
    seed: int = 0,
) -> int:
    """Judge anomaly maps and masks against reference lesions.

    Args:
        segmented: Folder of maps, written by `segment` or by another tool.
        out: Folder for tables and curves.
        truth: Folder of reference masks.
        label: Which masks are lesions.
        pattern: Where another tool keeps its maps, for example "{subject}/*_prob.nii.gz".
        method: Name of the row in the table.
        seed: Of the bootstrap.
    """
    from lesionless.evaluation.settings import EvaluationSettings
    from lesionless.stages.evaluate import evaluate_folder

    results = evaluate_folder(
        segmented,
        out,
        truth,
        EvaluationSettings(seed=seed),
        label=label,
        pattern=pattern,
        method=method,
    )
    print_results(results)
    print(f"results in {out}")
    return DONE


@app.command
def benchmark(
    experiment: Path,
    out: Path,
    /,
    *,
    normals: Path | None = None,
    patients: Path | None = None,
    only: list[str] | None = None,
    train: bool = True,
    seed: int = 0,
) -> int:
    """Train and judge all methods of an experiment: one table, figures, a report; resumable.

    Args:
        experiment: A TOML file, see docs/experiments.md.
        out: Folder for everything; what is in it already is used.
        normals: BIDS tree to learn from; a phantom cohort if the experiment has one.
        patients: BIDS tree with lesion masks; that of the normals by default.
        only: Rows of the table to do; all by default.
        train: Train what is not trained yet; --no-train judges what is there.
        seed: Of the bootstrap.
    """
    from lesionless.evaluation.settings import EvaluationSettings
    from lesionless.experiment import read_experiment
    from lesionless.stages import benchmark as stage

    plan = read_experiment(experiment)
    with Show() as show:
        stores = stage.prepare_cohort(
            plan, out, normals=normals, patients=patients, track=show.track
        )
        runs = stage.runs_of(plan, out, only or ())
        for todo in runs if train else ():
            stage.train_run(plan, stores, todo, show.epochs(todo.folder.name))
        results, _ = stage.judge_runs(
            plan, stores, runs, out, EvaluationSettings(seed=seed), track=show.track
        )
    print_results(results)
    print(f"results in {out / 'results'}")
    return DONE


@app.command
def demo(out: Path = Path("demo"), /) -> int:
    """Make phantoms, train, segment, evaluate and report: offline, below ten minutes.

    Args:
        out: Folder for everything.
    """
    from lesionless.stages.demo import demo as stage

    with Show() as show:
        made = stage(out, track=show.track, on_epoch=show.epochs)
    print_results(made.results)
    print(f"maps and masks in {made.segmented}")
    print(f"report: {made.report}")
    return DONE
