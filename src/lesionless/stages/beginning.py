"""What a training begins with: a network with random weights, or a trained one."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lesionless.errors import UsageError
from lesionless.models import bundle as bundles
from lesionless.models.bundle import Bundle
from lesionless.models.catalogue import build, entry, resized
from lesionless.preprocess.atlas import MNI152
from lesionless.scoring.recipe import ScoreSettings
from lesionless.stages.fits import check_fits, warn_of_change
from lesionless.stages.request import OPERATING_POINT, TrainRequest
from lesionless.stages.store_settings import load_settings, load_suffix

logger = logging.getLogger(__name__)


def begin(prepared: Path, request: TrainRequest) -> Bundle:
    """Return what is to be trained: a line of the catalogue, or a trained model.

    Args:
        prepared: The store whose normals it will learn from.
        request: What is asked for.

    Raises:
        UsageError: The model does not exist, or what is asked for does not go together.
        ModelError: There is no such model to start from.
    """
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
        suffix=load_suffix(prepared),
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
    warn_of_change(began, start, prepared)
    if not began.method.updates():
        raise UsageError(
            f"{start}: expected a network to train on, found {began.name}, which has none. "
            "`lesionless calibrate` sets its thresholds anew."
        )
    how = asdict(load_settings(prepared))
    return replace(began, prepare=how, suffix=load_suffix(prepared))


def _for_space(scoring: Mapping[str, Any], space: str) -> ScoreSettings:
    """Return the scoring, without the white matter's say where the atlas has no map of it."""
    settings = ScoreSettings(**scoring)
    if space == MNI152 or settings.outside_white_matter == 1:
        return settings
    logger.warning("%s has no map of white matter: the score leaves the place out", space)
    return replace(settings, outside_white_matter=1.0)
