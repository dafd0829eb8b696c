"""Train a method on the normal slices of a store and set its operating points."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lesionless.errors import UsageError
from lesionless.models import bundle as bundles
from lesionless.models.bundle import Bundle
from lesionless.models.findings import Findings
from lesionless.stages.beginning import begin
from lesionless.stages.calibrate import calibrate
from lesionless.stages.findings import find, learners, learning_from
from lesionless.stages.fits import check_fits
from lesionless.stages.model_folder import SAMPLES, check_is_no_store, clear
from lesionless.stages.normals import Normals, check_held_out, split_of, stack
from lesionless.stages.progress import Track, silent
from lesionless.stages.rebuild import rebuilder
from lesionless.stages.record import Sources, check_same, point_of, with_record
from lesionless.stages.request import TrainRequest
from lesionless.stages.shared import name_shared
from lesionless.training.loop import Epoch, train
from lesionless.training.normals import NormalsSettings

logger = logging.getLogger(__name__)


def train_model(
    prepared: Path,
    out: Path,
    request: TrainRequest,
    *,
    also: Sequence[Path] = (),
    patients: Path | None = None,
    overwrite: bool = False,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    track: Track = silent,
) -> Bundle:
    """Train, calibrate and save one model; a stopped run goes on, a finished one is read.

    Args:
        prepared: A store.
        out: The model's folder.
        request: What is to be trained.
        also: Further stores to learn from; normative figures and thresholds are the first one's.
        patients: A store of patients' scans: what the model that is started from finds in them is
            learnt as lesion; no label takes part.
        overwrite: Whether an earlier run in the folder is thrown away.
        on_epoch: Called after each epoch.
        track: Shows the progress of what comes before and after.

    Raises:
        UsageError: The store has no normals to learn from or to set thresholds on, the folder is
            a store or holds a finished model that is another one, a name or setting does not exist,
            or what is asked for does not go together.
        ModelError: There is no such model to start from.
        TrainingError: The training cannot go on, or the folder holds another run that was stopped.
    """
    if request.start is not None and bundles.folder_of(request.start).resolve() == out.resolve():
        raise UsageError(f"{out}: expected another folder than that of the model to start from.")
    check_is_no_store(out)
    begun = begin(prepared, request)
    for folder in also:
        check_fits(begun, str(prepared), folder)
    sources = Sources(prepared, also, patients)
    if bundles.is_complete(out) and not overwrite:
        return _finished(out, begun, request, sources)
    held_out = Normals(prepared, "val", request.normals)
    check_held_out(held_out)
    _name_shared_subjects(sources, request.normals)
    findings = None if patients is None else _findings(patients, begun, request, track)
    learn = Normals(prepared, "train", request.normals)
    further = [_further(folder, request.normals) for folder in also]
    tally: Counter[str] = Counter(healthy=0, others=0)
    slices = stack(chain(learn, *further), every=request.normals.every, tally=tally)
    logger.info("%s: %d slices without lesions", begun.name, len(slices))
    about = _about(begun, request, tally, sources, findings)

    def after_epoch(epoch: Epoch) -> None:
        _keep_samples(begun.method, epoch, out)
        on_epoch(epoch)

    if overwrite:
        clear(out)
    with learning_from(begun.method, findings):
        history = train(
            begun.method, slices, request.training, out, about=about, on_epoch=after_epoch
        )
    ready = calibrate(
        begun,
        learn,
        held_out,
        rebuild=rebuilder(begun.method, device=request.training.device),
        max_slices=request.calibration_slices,
        track=track,
    )
    ready = replace(ready, operating_point=point_of(begun, request))
    finished = with_record(ready, request, about, history)
    bundles.save(finished, out)
    return finished


def _about(
    begun: Bundle,
    request: TrainRequest,
    tally: Counter[str],
    sources: Sources,
    findings: Findings | None,
) -> dict[str, Any]:
    """Return what makes a run what it is, beside its `TrainSettings`."""
    return {
        "model": begun.name,
        "start": request.start,
        "normals": asdict(request.normals),
        "n_slices": tally.total(),
        "n_slices_of": dict(tally),
        "n_patient_slices": 0 if findings is None else len(findings.image),
        **sources.record(),
        **asdict(begun.settings),
    }


def _name_shared_subjects(sources: Sources, normals: NormalsSettings) -> None:
    """Name the subjects that set thresholds and may be learnt from in another store."""
    held_back = split_of(sources.prepared, normals).val
    harm = "thresholds come out too low"
    for folder in sources.further:
        name_shared(held_back, sources.prepared, folder, who="set thresholds", harm=harm)


def _further(folder: Path, normals: NormalsSettings) -> Normals:
    """Return the normals of a store that sets no threshold, so that it need not keep any back."""
    return Normals(folder, "train", replace(normals, val_fraction=0.0))


def _findings(patients: Path, begun: Bundle, request: TrainRequest, track: Track) -> Findings:
    """Return what the model that is started from finds in patients."""
    if request.start is None:
        raise UsageError(
            "Expected a model that finds lesions in the patients, found none. Give --start, such "
            "as --start restoration."
        )
    check_fits(begun, request.start, patients)
    learners(begun.method)
    return find(patients, begun, device=request.training.device, track=track)


def _keep_samples(method: Any, epoch: Epoch, out: Path) -> None:
    """Keep what a generator draws from the same codes, ten times in a training run.

    Source: Baur et al. 2018, Fig. 5.
    """
    every = max(1, epoch.planned // 10)
    if hasattr(method, "sample") and (epoch.done % every == 0 or epoch.done == 1):
        method.eval()
        with torch.no_grad():
            samples = method.sample(4, torch.Generator().manual_seed(0)).squeeze(1).float()
        np.save(out / SAMPLES.format(epoch.done), samples.cpu().numpy().astype(np.float16))


def _finished(out: Path, begun: Bundle, request: TrainRequest, sources: Sources) -> Bundle:
    """Return the model in a folder if it is the one that is wanted.

    Raises:
        UsageError: It is another one.
    """
    found = bundles.load(out)
    check_same(found, out, begun, request, sources)
    logger.info("%s: trained already", out)
    return found
