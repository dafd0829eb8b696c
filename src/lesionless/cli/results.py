"""Commands that judge: evaluate, benchmark."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from lesionless.cli.app import DONE, SOME_FAILED, Count, app, ready_torch
from lesionless.cli.segment import Labels
from lesionless.cli.show import Show, print_results
from lesionless.errors import UsageError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class LesionOptions:
    """Hold what counts as a lesion and when it counts as found.

    These are the fields of `LesionRules`, whose module `--help` has no time to import.

    Attributes:
        connectivity: Neighbours that join two voxels to one lesion: 6, 18 or 26.
        minimum_overlap: Share of a lesion that has to be covered for it to be found.
        minimum_mm3: Smaller lesions are not counted.
        small_ml: Lesions below this volume are small.
        large_ml: Lesions of at least this volume are large.
    """

    connectivity: Literal[6, 18, 26] = 26
    minimum_overlap: float = 0.1
    minimum_mm3: float = 3.0
    small_ml: float = 0.1
    large_ml: float = 1.0


LESIONS = LesionOptions()


@app.command
def evaluate(
    segmented: Path,
    out: Path,
    /,
    *,
    truth: Path,
    label: str = "lesion",
    pattern: str | None = None,
    mask: str | None = None,
    threshold: float | None = None,
    method: str = "",
    participant_label: Labels | None = None,
    lesions: LesionOptions = LESIONS,
    seed: int = 0,
) -> int:
    """Judge anomaly maps and masks against reference lesions.

    Args:
        segmented: Folder of maps, written by `segment` or by another tool.
        out: Folder for tables, curves and figures.
        truth: Folder of reference masks; healthy subjects need none.
        label: Which masks are lesions.
        pattern: Where another tool keeps its maps, for example "{subject}/*_prob.nii.gz".
        mask: Your brain masks: a path with {subject}, {session} and wildcards; those beside our
            own maps by default.
        threshold: Judge what the maps have above it as lesion masks: 0 for another tool's binary
            masks, 0.5 for probabilities; by default the masks beside our own maps.
        method: Name of the row in the table.
        participant_label: The only subjects to judge, with or without sub-; all by default.
        lesions: See `LesionOptions`.
        seed: Of the bootstrap.
    """
    from lesionless.evaluation.lesions import LesionRules
    from lesionless.evaluation.settings import EvaluationSettings
    from lesionless.stages.evaluate import evaluate_folder
    from lesionless.stages.report import write_evaluation

    evaluated = evaluate_folder(
        segmented,
        out,
        truth,
        EvaluationSettings(lesion_rules=LesionRules(**asdict(lesions)), seed=seed),
        label=label,
        pattern=pattern,
        masks=mask,
        threshold=threshold,
        method=method,
        subjects=participant_label,
    )
    write_evaluation(evaluated.results, out)
    print_results(evaluated.results)
    print(f"tables and figures in {out}")
    for path in evaluated.without_map:
        print(f"failed: no map for {path}")
    for name, message in evaluated.failed.items():
        print(f"failed: {name}: {message}")
    return SOME_FAILED if evaluated.without_map or evaluated.failed else DONE


@app.command
def benchmark(
    experiment: Path,
    out: Path,
    /,
    *,
    normals: Path | None = None,
    patients: Path | None = None,
    only: list[str] | None = None,
    epochs: int | None = None,
    test_split: str | None = None,
    train: bool = True,
    ablations: bool = False,
    seed: int = 0,
    jobs: Count | None = None,
    threads: Count | None = None,
) -> int:
    """Train and judge all methods of an experiment: one table, figures, a report; resumable.

    Args:
        experiment: A TOML file, see docs/experiments.md.
        out: Folder for everything; what is in it already is used.
        normals: BIDS tree to learn from; a phantom cohort if the experiment has one.
        patients: BIDS tree with lesion masks; that of the normals by default.
        only: Rows of the table to do; all by default.
        epochs: Passes over the slices, in place of the experiment's own number.
        test_split: Split of participants.tsv that is reported, or all, in place of its own; never
            those of the normals who train.
        train: Train what is not trained yet; --no-train judges what is there.
        ablations: Score every model in other ways too: what each step of the scoring adds.
        seed: Of the bootstrap.
        jobs: Scans that are prepared at a time; as many as the cores hold by default.
        threads: Threads of torch; all cores by default.
    """
    from lesionless.evaluation.lesions import LesionRules
    from lesionless.evaluation.settings import EvaluationSettings
    from lesionless.stages import benchmark as stage
    from lesionless.stages.ablate import ablate
    from lesionless.stages.plan import read_plan
    from lesionless.stages.report import write_report, write_tables

    plan = read_plan(experiment).with_changes(epochs=epochs, test_split=test_split)
    ready_torch("cpu", threads)
    with Show() as show:
        runs = stage.runs_of(plan, out, only or ())
        stores = stage.prepare_cohort(
            plan, out, normals=normals, patients=patients, jobs=jobs, track=show.track
        )
        for todo in runs if train else ():
            stage.train_run(plan, stores, todo, show.epochs(todo.folder.name), track=show.track)
        rules = LesionRules(**plan.lesion_rules)
        settings = EvaluationSettings(lesion_rules=rules, seed=seed)
        results, timings = stage.judge_runs(plan, stores, runs, out, settings, track=show.track)
        page = write_report(plan, out, stores, runs, results, timings)
        if ablations:
            write_tables(
                ablate(plan, stores, runs, out, settings, track=show.track),
                out / "ablations" / "tables",
            )
    print_results(results)
    for line in stores.failed:
        print(f"failed: {line}")
    print(f"report: {page}")
    return SOME_FAILED if stores.failed else DONE


@app.command
def demo(out: Path = Path("demo"), /) -> int:
    """Make phantoms, train, segment, evaluate and report: offline, below ten minutes.

    Args:
        out: Folder for everything.
    """
    from lesionless.stages.demo import DEMO
    from lesionless.stages.demo import demo as stage

    n_phantoms = DEMO.cohort.healthy + DEMO.cohort.patients
    with Show() as show:
        made = stage(
            out,
            track=show.track,
            on_phantom=show.counter("phantom", n_phantoms),
            on_epoch=show.epochs,
        )
    print_results(made.results)
    print(f"maps and masks in {made.segmented}")
    print(f"report: {made.report}")
    return DONE


@app.command
def report(
    results: Path,
    /,
    *,
    beside: Annotated[list[Path] | None, Parameter(consume_multiple=True, negative=())] = None,
    out: Path | None = None,
) -> int:
    """Write tables and figures again from the results of an evaluation or a benchmark.

    Args:
        results: Folder with results.json.
        beside: Further such folders, of other methods on the same scans: all in one table, in OUT.
        out: Folder for what is joined; by default that of the results, where nothing is joined.
    """
    from lesionless.evaluation.archive import read_results
    from lesionless.stages.join import join_results
    from lesionless.stages.report import read_training, write_evaluation

    if bool(beside) != (out is not None):
        raise UsageError("Expected --beside and --out together, found one of them.")
    place = out or results
    found = join_results([results, *beside], place) if beside else read_results(place)
    write_evaluation(found, place, read_training(place))
    print_results(found)
    print(f"tables and figures in {place}")
    return DONE
