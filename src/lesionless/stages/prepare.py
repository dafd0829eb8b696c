"""Prepare the scans of a folder into a store; what is there already is kept."""

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from lesionless import store
from lesionless.data.folders import Input, find_masks, find_scans, mask_of
from lesionless.data.participants import check_labels, join_participants
from lesionless.data.processes import pool
from lesionless.data.scan import Scan, read_mask, read_scan
from lesionless.data.tree import check_apart, tree_of
from lesionless.errors import UsageError
from lesionless.preprocess.pipeline import PrepareSettings, prepare_scan
from lesionless.preprocess.prepared import PreparedScan
from lesionless.preprocess.strip import check_method
from lesionless.provenance import MANIFEST_NAME, RunManifest, ScanStatus
from lesionless.report.quality import write_quality_page
from lesionless.stages.failure import failure_of_scan
from lesionless.stages.progress import Track, silent
from lesionless.stages.sources import sources_of
from lesionless.stages.store_settings import (
    check_settings,
    check_suffix,
    is_prepared_so,
    write_settings,
)
from lesionless.stages.stored import NEW, state_of
from lesionless.training.memory import keep_freed_memory

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """Say which files belong to one scan.

    Attributes:
        scan: The scan and its name.
        lesion: Its reference lesions, if there are any.
        brain: The user's brain mask, if there is one.
        contrast: What the scan is taken for.
    """

    scan: Input
    lesion: Path | None = None
    brain: Path | None = None
    contrast: str = "FLAIR"


def prepare(
    source: Path,
    out: Path,
    settings: PrepareSettings,
    *,
    lesions: Path | None = None,
    label: str = "lesion",
    masks: str | None = None,
    suffix: str = "FLAIR",
    jobs: int | None = None,
    overwrite: bool = False,
    arguments: Sequence[str] = (),
    track: Track = silent,
) -> RunManifest:
    """Prepare every scan of a folder; a scan that cannot be prepared is noted and left out.

    Of a part of a BIDS tree, participants.tsv and reference lesions are those of the tree. A scan
    that is in the store stays as it is, unless a mask came to it or is another one since.

    Args:
        source: One scan, a folder, or a BIDS tree.
        out: The store to fill.
        settings: How scans are prepared.
        lesions: Where reference lesions lie; `derivatives/lesion` of the tree by default.
        label: Which masks are lesions.
        masks: Pattern of the user's brain masks, see `brain_mask_path`.
        suffix: BIDS suffix of the scans.
        jobs: Processes; as many as the cores hold by default.
        overwrite: Whether scans that are in the store are prepared again.
        arguments: The command line, for the manifest.
        track: Shows progress.

    Raises:
        UsageError: No scan was found, the store is the folder of the scans, it holds others that
            were prepared with other settings or are of another suffix, the strip method is not
            there, or a table of participants has labels without their leading zeros, or says
            something else than that of the store.
    """
    check_apart(source, out)
    tasks = find_tasks(source, lesions=lesions, label=label, masks=masks, suffix=suffix)
    tree = tree_of(source)
    check_labels(tree, {task.scan.subject for task in tasks})
    if masks is None:
        check_method(settings.strip)
    asked = {_stored(out, task) for task in tasks}
    check_settings(out, settings, asked, overwrite=overwrite)
    check_suffix(out, suffix, {task.scan.name.suffix for task in tasks})
    known = {} if overwrite else {task: _state(out, task, settings) for task in tasks}
    others = {task.scan.subject for task in known if known[task][0] == "failed"}
    join_participants(tree, out, replace=overwrite, without=others)
    write_settings(out, settings, suffix)
    with RunManifest(
        out / MANIFEST_NAME, command="prepare", arguments=arguments, settings=settings
    ) as run:
        todo = [task for task in tasks if not _noted(task, *known.get(task, NEW), run)]
        work = _prepare_all(todo, settings, out, jobs)
        for name, message in track(work, label="prepare", total=len(todo)):
            _note(name, "failed" if message else "done", message, run)
    _write_page(out, tasks, run)
    return run


def find_tasks(
    source: Path,
    *,
    lesions: Path | None = None,
    label: str = "lesion",
    masks: str | None = None,
    suffix: str = "FLAIR",
) -> list[Task]:
    """List the scans of a folder with the masks that belong to them."""
    references = _references(source, lesions, label)
    return [
        Task(
            scan,
            lesion=found.path if (found := mask_of(scan.name, references)) else None,
            brain=brain_mask_path(scan, masks) if masks else None,
            contrast=suffix,
        )
        for scan in find_scans(source, suffix=suffix)
    ]


def brain_mask_path(scan: Input, pattern: str) -> Path:
    """Return the user's brain mask of a scan.

    Args:
        scan: The scan.
        pattern: A path with the fields `{subject}`, `{session}` and `{name}`, and wildcards.
            A relative one starts at the scan's own folder.

    Raises:
        UsageError: Not exactly one file fits.
    """
    fields = {"subject": scan.subject, "session": scan.session or "", "name": scan.name.stem}
    try:
        filled = pattern.format(**fields)
    except (LookupError, ValueError, AttributeError) as error:
        raise UsageError(
            f"Expected a pattern with {{subject}}, {{session}} and {{name}} for --mask, found "
            f"{pattern} ({type(error).__name__}: {error})."
        ) from error
    start = Path(filled).anchor or str(scan.path.parent)
    found = sorted(Path(start).glob(str(Path(filled)).removeprefix(start)))
    if len(found) != 1:
        raise UsageError(
            f"{scan.path}: expected one brain mask for the pattern {filled}, found {len(found)}. "
            "Correct --mask; {subject}, {session} and {name} stand for the scan's own."
        )
    return found[0]


def prepare_task(task: Task, scan: Scan, settings: PrepareSettings) -> PreparedScan:
    """Prepare one scan with the masks that belong to it.

    Raises:
        ScanError: A mask, or the scan itself, cannot be used.
    """
    keep_freed_memory()
    name = task.scan.name
    sources = sources_of(task.scan.path, lesion=task.lesion, brain=task.brain)
    prepared = prepare_scan(
        scan,
        settings,
        lesion=read_mask(task.lesion, scan) if task.lesion else None,
        brain=read_mask(task.brain, scan) if task.brain else None,
        subject=name.subject,
        name=name.stem,
        contrast=task.contrast,
    )
    return replace(prepared, record={**prepared.record, "sources": sources})


def _references(source: Path, lesions: Path | None, label: str) -> list[Input]:
    if lesions is not None:
        return find_masks(lesions, label=label)
    tree = tree_of(source)
    if (tree / "derivatives" / "lesion").is_dir():
        return find_masks(tree, label=label)
    return find_masks(source, label=label) if source.is_dir() else []


def _prepare_all(
    tasks: Sequence[Task], settings: PrepareSettings, out: Path, jobs: int | None
) -> Iterator[tuple[str, str]]:
    """Yield the name of each scan as it is done, with a message where it failed."""
    cores = os.cpu_count() or 1
    jobs = min(jobs or max(1, cores // settings.threads), max(len(tasks), 1))
    if jobs == 1:
        yield from (_prepare_one(task, settings, out) for task in tasks)
        return
    with pool(jobs) as processes:
        futures = [processes.submit(_prepare_one, task, settings, out) for task in tasks]
        yield from (future.result() for future in as_completed(futures))


def _prepare_one(task: Task, settings: PrepareSettings, out: Path) -> tuple[str, str]:
    name = task.scan.name.stem
    with failure_of_scan() as failure:
        _discard_other(_stored(out, task), settings)
        store.save(out, prepare_task(task, read_scan(task.scan.path), settings))
    return name, failure.message


def _stored(out: Path, task: Task) -> Path:
    return store.path_of(out, task.scan.subject, task.scan.name.stem)


def _state(out: Path, task: Task, settings: PrepareSettings) -> tuple[ScanStatus | None, str]:
    """Return what a store knows of a scan before anything is done."""
    masks = {"lesion": task.lesion, "brain": task.brain}
    return state_of(_stored(out, task), task.scan.path, settings, **masks)


def _discard_other(stored: Path, settings: PrepareSettings) -> None:
    """Remove what was prepared in another way, or is damaged: it must not stay if this fails."""
    try:
        is_same = is_prepared_so(store.record(stored), settings)
    except UsageError:
        is_same = False
    if not is_same:
        stored.unlink(missing_ok=True)


def _noted(task: Task, status: ScanStatus | None, message: str, run: RunManifest) -> bool:
    """Note what is known of a scan, and tell whether that is all there is to do."""
    if status is not None:
        _note(task.scan.name.stem, status, message, run)
    return status is not None


def _note(name: str, status: ScanStatus, message: str, run: RunManifest) -> None:
    run.note_scan(name, status, message=message)
    if message:
        logger.warning("%s: %s", name, message)


def _write_page(out: Path, tasks: Sequence[Task], run: RunManifest) -> None:
    """Write the quality page of the cohort, where there is anything to show."""
    if len(run.failed) == len(tasks):
        return
    write_quality_page(
        out,
        out / "quality.html",
        images={
            task.scan.name.stem: task.scan.path
            for task in tasks
            if task.scan.name.stem not in run.failed
        },
        failed={name: run.message(name) for name in run.failed},
    )
