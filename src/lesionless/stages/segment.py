"""Segment scans: anomaly map, lesion mask and reconstruction in each scan's own grid."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lesionless.data.bids import PLAIN_SUFFIX, OutputPaths, output_paths
from lesionless.data.derivatives import write_dataset_description
from lesionless.data.folders import find_scans
from lesionless.data.scan import Scan, read_scan
from lesionless.data.tree import check_apart
from lesionless.errors import UsageError
from lesionless.models.bundle import Bundle
from lesionless.preprocess.atlas import load_atlas
from lesionless.preprocess.contrast import contrast_doubts
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.provenance import MANIFEST_NAME, RunManifest
from lesionless.stages.failure import failure_of_scan
from lesionless.stages.fits import MODELS_OWN
from lesionless.stages.outputs import (
    discard,
    missing,
    read_maps,
    refuse_early_outputs,
    refuse_lost,
    rewrite_cut,
    write_outputs,
)
from lesionless.stages.page import page_of
from lesionless.stages.prepare import Task, brain_mask_path, prepare_task
from lesionless.stages.progress import Track, silent
from lesionless.stages.resume import (
    is_cut_at,
    model_record,
    refuse_other_model,
    refuse_other_origin,
)
from lesionless.stages.segmented import ScanMaps, cut, map_prepared
from lesionless.stages.sources import sources_of

logger = logging.getLogger(__name__)


def segment_scans(
    source: Path,
    out: Path,
    bundle: Bundle,
    settings: PrepareSettings,
    *,
    operating_point: str | None = None,
    masks: str | None = None,
    suffix: str | None = None,
    subjects: Sequence[str] | None = None,
    overwrite: bool = False,
    arguments: Sequence[str] = (),
    track: Track = silent,
) -> RunManifest:
    """Segment every scan of a folder; one that cannot be used is noted, the others go on.

    Outputs that are there already stay as they are; where masks are asked for at another operating
    point, they are cut anew from the maps. Those of another scan of the same name, or of one that
    was prepared in another way, are noted as a failure.

    Args:
        source: One scan, a folder, or a BIDS tree.
        out: The derivative to write.
        bundle: The model.
        settings: How scans are prepared; space and matrix are the model's.
        operating_point: A key of the bundle's thresholds; the bundle's own by default.
        masks: Pattern of the user's brain masks.
        suffix: BIDS suffix of the scans; that of those that the model learnt from by default.
        subjects: The only subjects to do; all by default. The manifest is named after the first.
        overwrite: Whether scans whose outputs are there are done again.
        arguments: The command line, for the manifest.
        track: Shows progress.

    Raises:
        UsageError: No scan was found, an option does not fit, the outputs would lie among the
            scans, or outputs that are there already are those of another model, or of a version
            that wrote too little for their masks to be cut anew.
    """
    check_apart(source, out)
    point = _operating_point(bundle, operating_point)
    settings = replace(settings, **_models_own(bundle))
    wanted = suffix or bundle.suffix or PLAIN_SUFFIX
    tasks = [
        Task(scan, brain=brain_mask_path(scan, masks) if masks else None, contrast=wanted)
        for scan in find_scans(source, suffix=wanted, subjects=subjects)
    ]
    for doubt in sorted({doubt for task in tasks for doubt in _other_contrast(task, bundle)}):
        logger.warning("%s", doubt)
    record = model_record(bundle, point)
    if not overwrite:
        _refuse_other_models(tasks, out, settings, record)
    write_dataset_description(out, name=f"lesionless {bundle.name}", sources=[source])
    about = {"model": bundle.name, "operating_point": point, "prepare": asdict(settings)}
    with RunManifest(
        out / _manifest_name(subjects), command="segment", arguments=arguments, settings=about
    ) as run:
        for task in track(tasks, label="segment", total=len(tasks)):
            _segment_one(task, out, bundle, settings, record, overwrite, run)
    return run


def _manifest_name(subjects: Sequence[str] | None) -> str:
    """Name the manifest, so that jobs without a subject in common do not overwrite each other's."""
    if not subjects:
        return MANIFEST_NAME
    first, *others = sorted({subject.removeprefix("sub-") for subject in subjects})
    more = f"_and_{len(others)}_more" if others else ""
    return f"run_sub-{first}{more}.json"


def _segment_one(
    task: Task,
    out: Path,
    bundle: Bundle,
    settings: PrepareSettings,
    record: Mapping[str, Any],
    overwrite: bool,
    run: RunManifest,
) -> None:
    name, paths = task.scan.name.stem, _paths(out, task, settings)
    with failure_of_scan() as failure:
        if overwrite:
            discard(paths)
        if paths.anomaly.exists() and _is_present(task, paths, settings, record):
            run.note_scan(name, "present")
        else:
            _make(task, paths, bundle, settings, record, run)
    if failure.message:
        logger.warning("%s: %s", name, failure.message)
        run.note_scan(name, "failed", message=failure.message)


def _is_present(
    task: Task, paths: OutputPaths, settings: PrepareSettings, record: Mapping[str, Any]
) -> bool:
    """Tell whether nothing is left to do for a scan of which there is a map.

    Raises:
        ScanError: The map is that of another scan, or of one that was prepared in another way.
    """
    sources = sources_of(task.scan.path, brain=task.brain)
    refuse_other_origin(paths.images, settings, sources)
    refuse_lost(paths)
    return is_cut_at(paths.images, record) and not missing(paths)


def _make(
    task: Task,
    paths: OutputPaths,
    bundle: Bundle,
    settings: PrepareSettings,
    record: Mapping[str, Any],
    run: RunManifest,
) -> None:
    """Write the outputs of a scan; those that are cut from maps that are there, from these."""
    name, started = task.scan.name.stem, time.perf_counter()
    scan, is_there = read_scan(task.scan.path), paths.anomaly.exists()
    maps = read_maps(paths, scan) if is_there else _mapped(task, scan, bundle, settings)
    result = cut(bundle, maps, record["OperatingPoint"])
    write = rewrite_cut if is_there else write_outputs
    write(paths, scan, result, record, page_of(name, scan, result, record))
    doubts = [*contrast_doubts(maps.quality), *_other_contrast(task, bundle)]
    if is_there:
        logger.info("%s: its mask is cut anew at %s", name, record["OperatingPoint"])
        doubts.append("cut anew from the maps that were there")
    run.note_scan(
        name,
        "done",
        message="; ".join(doubts),
        seconds=round(time.perf_counter() - started, 1),
        lesion_ml=round(sum(lesion.volume_ml for lesion in result.lesions), 3),
    )


def _mapped(task: Task, scan: Scan, bundle: Bundle, settings: PrepareSettings) -> ScanMaps:
    prepared = prepare_task(task, scan, settings)
    messages = [*prepared.record["messages"], *_other_contrast(task, bundle)]
    prepared = replace(prepared, record={**prepared.record, "messages": messages})
    return map_prepared(bundle, prepared, device=settings.device)


def _paths(out: Path, task: Task, settings: PrepareSettings) -> OutputPaths:
    return output_paths(out, task.scan.name, atlas=load_atlas(settings.space).name)


def _refuse_other_models(
    tasks: Sequence[Task], out: Path, settings: PrepareSettings, record: Mapping[str, Any]
) -> None:
    """Stop before anything is written where outputs are another model's, or cannot be cut anew."""
    for task in tasks:
        paths = _paths(out, task, settings)
        if paths.anomaly.exists():
            refuse_other_model(paths.images, record)
            if missing(paths) or not is_cut_at(paths.images, record):
                refuse_early_outputs(paths)


def _operating_point(bundle: Bundle, wanted: str | None) -> str:
    point = wanted or bundle.operating_point
    if point not in bundle.thresholds:
        raise UsageError(
            f"Expected an operating point of {bundle.name} ({', '.join(bundle.thresholds)}), "
            f"found {point!r}."
        )
    if not math.isfinite(bundle.thresholds[point]):
        raise UsageError(
            f"{bundle.name}: expected a threshold at the operating point {point}, found an "
            "infinite one: too few normal scans set it. Give another --operating-point, or set it "
            "anew with `lesionless calibrate` and more of them."
        )
    return point


def _other_contrast(task: Task, bundle: Bundle) -> list[str]:
    """Return a warning where the model has learnt nothing of scans of this suffix."""
    suffix = task.scan.name.suffix
    if not bundle.suffix or suffix == bundle.suffix:
        return []
    learnt = f"{bundle.name} has learnt from {bundle.suffix} scans"
    return [f"{learnt}: what it finds in {suffix} may mean nothing"]


def _models_own(bundle: Bundle) -> dict[str, Any]:
    return {name: bundle.prepare[name] for name in MODELS_OWN}
