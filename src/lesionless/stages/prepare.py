"""Prepare the scans of a folder into a store; what is there already is kept."""

import json
import logging
import multiprocessing
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lesionless import store
from lesionless.data.folders import Input, find_masks, find_scans, mask_of
from lesionless.data.scan import Scan, read_mask, read_scan
from lesionless.errors import ScanError, UsageError
from lesionless.preprocess.pipeline import PrepareSettings, prepare_scan
from lesionless.preprocess.prepared import PreparedScan
from lesionless.provenance import MANIFEST_NAME, RunManifest, write_text_whole
from lesionless.report.quality import write_quality_page
from lesionless.stages.progress import Track, silent
from lesionless.training.memory import keep_freed_memory

logger = logging.getLogger(__name__)

SETTINGS = "prepare.json"


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

    Args:
        source: One scan, a folder, or a BIDS tree.
        out: The store to fill.
        settings: How scans are prepared.
        lesions: Where reference lesions lie; `source/derivatives/lesion` by default.
        label: Which masks are lesions.
        masks: Pattern of the user's brain masks, see `brain_mask_path`.
        suffix: BIDS suffix of the scans.
        jobs: Processes; as many as the cores hold by default.
        overwrite: Whether scans that are in the store are prepared again.
        arguments: The command line, for the manifest.
        track: Shows progress.

    Raises:
        UsageError: No scan was found, or the store was filled with other settings.
    """
    tasks = find_tasks(source, lesions=lesions, label=label, masks=masks, suffix=suffix)
    _check_settings(out, settings, overwrite)
    _copy_participants(source, out)
    with RunManifest(
        out / MANIFEST_NAME, command="prepare", arguments=arguments, settings=settings
    ) as run:
        present = [] if overwrite else [task for task in tasks if _is_present(out, task)]
        for task in present:
            run.note_scan(task.scan.name.stem, "present")
        todo = [task for task in tasks if task not in present]
        work = _prepare_all(todo, settings, out, jobs)
        for name, message in track(work, label="prepare", total=len(todo)):
            run.note_scan(name, "failed" if message else "done", message=message)
            if message:
                logger.warning("%s", message)
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
    filled = pattern.format(subject=scan.subject, session=scan.session or "", name=scan.name.stem)
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
    return prepare_scan(
        scan,
        settings,
        lesion=read_mask(task.lesion, scan) if task.lesion else None,
        brain=read_mask(task.brain, scan) if task.brain else None,
        subject=name.subject,
        name=name.stem,
        contrast=task.contrast,
    )


def _references(source: Path, lesions: Path | None, label: str) -> list[Input]:
    if lesions is not None:
        return find_masks(lesions, label=label)
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
    # spawn: forked children inherit locked thread pools of torch and SimpleITK
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        futures = [pool.submit(_prepare_one, task, settings, out) for task in tasks]
        yield from (future.result() for future in as_completed(futures))


def _prepare_one(task: Task, settings: PrepareSettings, out: Path) -> tuple[str, str]:
    name = task.scan.name.stem
    try:
        store.save(out, prepare_task(task, read_scan(task.scan.path), settings))
    except ScanError as error:
        return name, str(error)
    return name, ""


def _is_present(out: Path, task: Task) -> bool:
    name = task.scan.name
    return store.path_of(out, name.subject, name.stem).exists()


def _write_page(out: Path, tasks: Sequence[Task], run: RunManifest) -> None:
    """Write the quality page of the cohort, where there is anything to show."""
    if len(run.failed) == len(tasks):
        return
    write_quality_page(
        out,
        out / "quality.html",
        images={task.scan.name.stem: task.scan.path for task in tasks},
        failed={name: run.message(name) for name in run.failed},
    )


def _check_settings(out: Path, settings: PrepareSettings, overwrite: bool) -> None:
    """Stop where a store would mix scans prepared in two ways; else note the settings."""
    path = out / SETTINGS
    if path.exists() and not overwrite and load_settings(out) != _meaningful(settings):
        raise UsageError(
            f"{out}: expected scans prepared with {_meaningful(settings)}, found "
            f"{load_settings(out)}. Choose another folder, or give --overwrite."
        )
    write_text_whole(path, json.dumps(asdict(_meaningful(settings)), indent=2) + "\n")


def load_settings(folder: Path) -> PrepareSettings:
    """Return the settings that a store was filled with.

    Raises:
        UsageError: The folder is no store.
    """
    try:
        fields: dict[str, Any] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        return PrepareSettings(**fields)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"{folder}: expected prepared scans, found {type(error).__name__}: {error}. "
            "Run `lesionless prepare BIDS_DIR OUT` first."
        ) from error


def _meaningful(settings: PrepareSettings) -> PrepareSettings:
    """Return the settings without those that change no number."""
    return replace(settings, threads=1, device="cpu")


def _copy_participants(source: Path, out: Path) -> None:
    table = source / "participants.tsv"
    if source.is_dir() and table.exists():
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(table, out / table.name)
