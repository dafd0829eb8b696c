"""What the terminal shows: progress bars, and how a run ended."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from lesionless.cli.app import DONE, SOME_FAILED
from lesionless.provenance import RunManifest

if TYPE_CHECKING:
    from lesionless.evaluation.results import Results
    from lesionless.training.loop import Epoch

T = TypeVar("T")


class Show:
    """Draw one progress bar per stage while the context is open."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )

    def __enter__(self) -> Self:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing; the bars stay."""
        self._progress.stop()

    def track(self, items: Iterable[T], *, label: str, total: int) -> Iterator[T]:
        """Pass items through and advance a bar after each."""
        task = self._progress.add_task(label, total=total, note="")
        for item in items:
            yield item
            self._progress.advance(task)
        self._progress.update(task, completed=total)  # fewer may have come than were announced

    def counter(self, label: str, total: int) -> Callable[[str], None]:
        """Return a function that advances a bar and shows a note."""
        task = self._progress.add_task(label, total=total, note="")
        return lambda note: self._progress.update(task, advance=1, note=note)

    def epochs(self, label: str) -> Callable[["Epoch"], None]:
        """Return a function that shows a finished epoch; the bar appears with the first one."""
        tasks: list[TaskID] = []

        def show(epoch: "Epoch") -> None:
            if not tasks:
                tasks.append(self._progress.add_task(label, total=epoch.planned, note=""))
            losses = " ".join(f"{_short(k)} {v:.4g}" for k, v in epoch.losses.items())
            self._progress.update(tasks[0], completed=epoch.done, note=losses)

        return show


def _short(figure: str) -> str:
    """Leave the update's name out of a figure's: `1.restoration.overlap` becomes `1.overlap`."""
    *member, _, term = figure.split(".")
    return ".".join([*member, term])


def end(run: RunManifest, out: Path) -> int:
    """Print how many scans were done and which failed; return the exit code."""
    done = run.names("done")
    present = run.names("present")
    print(f"{len(done)} done, {len(present)} there already, {len(run.failed)} failed, in {out}")
    for name in run.failed:
        print(f"failed: {name}: {run.message(name)}")
    return SOME_FAILED if run.failed else DONE


def print_results(results: "Results") -> None:
    """Print the summary at the first operating point, for each region."""
    from rich.console import Console

    from lesionless.report.table_formats import to_rich
    from lesionless.report.tables import summary_table
    from lesionless.stages.cases import judged_regions, shown_points

    console = Console()
    point = shown_points(results)[0]
    for region in judged_regions(results):
        table = summary_table(results, operating_point=point, region=region)
        console.print(to_rich(table, width=console.width))
