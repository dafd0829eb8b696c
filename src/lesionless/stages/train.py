"""Train a method on the normal slices of a store and set its operating points."""

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lesionless.errors import UsageError
from lesionless.models import bundle as bundles
from lesionless.models.bundle import Bundle
from lesionless.models.catalogue import build, entry, resized
from lesionless.models.findings import Findings
from lesionless.preprocess.atlas import MNI152
from lesionless.provenance import describe_software
from lesionless.scoring.recipe import ScoreSettings
from lesionless.scoring.threshold import OPERATING_POINTS
from lesionless.stages.calibrate import calibrate
from lesionless.stages.findings import find, learners, learning_from
from lesionless.stages.fits import check_fits
from lesionless.stages.normals import Normals, NormalsSettings, stack
from lesionless.stages.prepare import load_settings
from lesionless.stages.rebuild import rebuilder
from lesionless.training.loop import Epoch, TrainSettings, train

logger = logging.getLogger(__name__)

OPERATING_POINT = "fpr-1e-3"


@dataclass(frozen=True)
class TrainRequest:
    """Say what is to be trained.

    Attributes:
        model: A name of the catalogue; None with `start`.
        start: A trained model, by folder or shipped name, that is trained on.
        training: See `TrainSettings`.
        normals: See `NormalsSettings`.
        settings: Fields of the model's settings that differ from the catalogue's.
        scoring: Fields of `ScoreSettings` that differ from the catalogue's.
        operating_point: The one that masks are cut at; None for that of `start`, or
            `OPERATING_POINT`.
        calibration_slices: See `calibrate`.
    """

    model: str | None = None
    start: str | None = None
    training: TrainSettings = field(default_factory=TrainSettings)
    normals: NormalsSettings = field(default_factory=NormalsSettings)
    settings: Mapping[str, Any] = field(default_factory=dict)
    scoring: Mapping[str, Any] = field(default_factory=dict)
    operating_point: str | None = None
    calibration_slices: int | None = None

    def __post_init__(self) -> None:
        point, few = self.operating_point, self.calibration_slices
        if point is not None and point not in OPERATING_POINTS:
            raise UsageError(
                f"Expected an operating point among {', '.join(OPERATING_POINTS)}, found {point!r}."
            )
        if few is not None and few < 1:
            raise UsageError(f"Expected at least one slice to calibrate on, found {few}.")


def train_model(
    prepared: Path,
    out: Path,
    request: TrainRequest,
    *,
    also: Sequence[Path] = (),
    patients: Path | None = None,
    overwrite: bool = False,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
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

    Raises:
        UsageError: The store has no normals, a name or setting does not exist, or what is asked
            for does not go together.
        ModelError: There is no such model to start from.
        TrainingError: The training cannot go on, or the folder holds another run.
    """
    if request.start is not None and Path(request.start).resolve() == out.resolve():
        raise UsageError(f"{out}: expected another folder than that of the model to start from.")
    untrained = _untrained(prepared, request)
    if overwrite:
        shutil.rmtree(out, ignore_errors=True)
    if bundles.is_complete(out):
        return _finished(out, untrained, request, patients)
    findings = None if patients is None else _findings(patients, untrained, request)
    learn = Normals(prepared, "train", request.normals)
    further = [_further(folder, untrained, request.normals) for folder in also]
    slices = stack(chain(learn, *further), every=request.normals.every)
    logger.info("%s: %d slices without lesions", untrained.name, len(slices))

    def after_epoch(epoch: Epoch) -> None:
        _keep_samples(untrained.method, epoch, out)
        on_epoch(epoch)

    about = {
        "model": untrained.name,
        "start": request.start,
        "patients": None if patients is None else str(patients),
        "n_slices": len(slices),
        "n_patient_slices": 0 if findings is None else len(findings.image),
        **asdict(untrained.settings),
    }
    with learning_from(untrained.method, findings):
        history = train(
            untrained.method, slices, request.training, out, about=about, on_epoch=after_epoch
        )
    ready = calibrate(
        untrained,
        learn,
        Normals(prepared, "val", request.normals),
        rebuild=rebuilder(untrained.method, device=request.training.device),
        max_slices=request.calibration_slices,
    )
    point = request.operating_point or untrained.operating_point
    finished = _with_record(replace(ready, operating_point=point), request, about, history)
    bundles.save(finished, out)
    return finished


def _further(folder: Path, untrained: Bundle, normals: NormalsSettings) -> Normals:
    """Return the normals of a store that sets no threshold, so that it need not keep any back."""
    wanted, found = untrained.prepare["matrix"], load_settings(folder).matrix
    if found != wanted:
        raise UsageError(
            f"{folder}: expected slices of {wanted} x {wanted} pixels, found {found} x {found}. "
            f"Prepare it with --matrix {wanted}."
        )
    return Normals(folder, "train", replace(normals, val_fraction=0.0))


def _findings(patients: Path, began: Bundle, request: TrainRequest) -> Findings:
    """Return what the model that is started from finds in patients."""
    if request.start is None:
        raise UsageError(
            "Expected a model that finds lesions in the patients, found none. Give --start, such "
            "as --start restoration."
        )
    check_fits(began, request.start, patients)
    learners(began.method)
    return find(patients, began, device=request.training.device)


def _untrained(prepared: Path, request: TrainRequest) -> Bundle:
    """Return what is to be trained: a line of the catalogue, or a trained model."""
    if request.start is not None:
        return _started(prepared, request, request.start)
    if request.model is None:
        raise UsageError("Expected a model of the catalogue or one to start from, found neither.")
    listed = entry(request.model)
    how = load_settings(prepared)
    settings = resized(listed.settings, how.matrix, **request.settings)
    scoring = _for_space({**(listed.scoring or {}), **request.scoring}, how.space)
    return Bundle(
        name=request.model,
        settings=settings,
        prepare=asdict(how),
        scoring=asdict(scoring),
        normative={},
        thresholds={},
        operating_point=OPERATING_POINT,
        method=build(settings, seed=request.training.seed),
    )


def _started(prepared: Path, request: TrainRequest, start: str) -> Bundle:
    """Return a trained model, which keeps its settings and its score.

    Raises:
        UsageError: Others are asked for, the store does not fit, or there is nothing to train.
    """
    if request.model is not None or request.settings or request.scoring:
        raise UsageError(
            "Expected a model of the catalogue or one to start from, found both. A model that is "
            "started from keeps its name, settings and score."
        )
    began = bundles.load(start)
    check_fits(began, start, prepared)
    if not began.method.updates():
        raise UsageError(
            f"{start}: expected a network to train on, found {began.name}, which has none. "
            "`lesionless calibrate` sets its thresholds anew."
        )
    return replace(began, prepare=asdict(load_settings(prepared)))


def _for_space(scoring: Mapping[str, Any], space: str) -> ScoreSettings:
    """Return the scoring, without the white matter's say where the atlas has no map of it."""
    settings = ScoreSettings(**scoring)
    if space == MNI152 or settings.outside_white_matter == 1:
        return settings
    logger.warning("%s has no map of white matter: the score leaves the place out", space)
    return replace(settings, outside_white_matter=1.0)


def _keep_samples(method: Any, epoch: Epoch, out: Path) -> None:
    """Keep what a generator draws from the same codes, ten times in a training run.

    Source: Baur et al. 2018, Fig. 5.
    """
    every = max(1, epoch.planned // 10)
    if hasattr(method, "sample") and (epoch.done % every == 0 or epoch.done == 1):
        method.eval()
        with torch.no_grad():
            samples = method.sample(4, torch.Generator().manual_seed(0)).squeeze(1).float()
        np.save(out / f"samples-{epoch.done:04d}.npy", samples.cpu().numpy().astype(np.float16))


def _finished(out: Path, wanted: Bundle, request: TrainRequest, patients: Path | None) -> Bundle:
    """Return the model in a folder if it is the one that is wanted.

    Raises:
        UsageError: It is another one.
    """
    found = bundles.load(out)
    if (found.name, found.settings) != (wanted.name, wanted.settings):
        raise UsageError(
            f"{out}: expected {wanted.name} with {wanted.settings}, found {found.name} with "
            f"{found.settings}. Choose another folder, or give --overwrite."
        )
    asked = (request.start, None if patients is None else str(patients))
    had = (found.training.get("request", {}).get("start"), found.training.get("patients"))
    if had != asked:
        raise UsageError(
            f"{out}: expected a model with --start {asked[0]} and --patients {asked[1]}, found one "
            f"with {had[0]} and {had[1]}. Choose another folder, or give --overwrite."
        )
    logger.info("%s: trained already", out)
    return found


def _with_record(
    bundle: Bundle,
    request: TrainRequest,
    about: Mapping[str, Any],
    history: list[dict[str, float]],
) -> Bundle:
    record = {
        "request": asdict(request),
        "n_slices": about["n_slices"],
        "patients": about["patients"],
        "n_patient_slices": about["n_patient_slices"],
        "epochs": len(history),
        "hours": sum(row["seconds"] for row in history) / 3600,
        "last_losses": history[-1] if history else {},
        "software": describe_software(),
    }
    before = {"start": dict(bundle.training)} if bundle.training else {}
    return replace(bundle, training=record | before)
