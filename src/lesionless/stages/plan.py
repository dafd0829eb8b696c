"""What an experiment file asks for, checked against all that it names before anything runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from lesionless.errors import UsageError
from lesionless.evaluation.lesions import LesionRules
from lesionless.experiment import Experiment, MethodRow, found_wrong, read_experiment
from lesionless.models.catalogue import entry, from_file, resized
from lesionless.preprocess.atlas import resolve_space
from lesionless.preprocess.grid import check_slices
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.scoring.recipe import ScoreSettings
from lesionless.scoring.threshold import point_named
from lesionless.training.device import check_device
from lesionless.training.loop import TrainSettings
from lesionless.training.normals import NormalsSettings


def read_plan(path: Path) -> Experiment:
    """Read an experiment file and check it; names of atlases become paths.

    Raises:
        UsageError: It cannot be read, or holds a setting or name that does not exist, a value out
            of its range, or a device that is not there.
    """
    plan = read_experiment(path)
    with _named(str(path)):
        _check(plan)
        space = {"space": resolve_space(plan.prepare["space"])} if "space" in plan.prepare else {}
    return plan.model_copy(update={"prepare": plan.prepare | space})


def _check(plan: Experiment) -> None:
    """Build every setting once, so that what is wrong with one is said before anything runs."""
    _check_fields(PrepareSettings, "prepare", plan.prepare)
    _check_fields(NormalsSettings, "normals", plan.normals)
    _check_training("training", plan.training)
    _check_fields(ScoreSettings, "scoring", plan.scoring)
    _check_fields(LesionRules, "lesion_rules", plan.lesion_rules)
    for region in plan.regions:
        check_slices(region)
    for point in plan.operating_points:
        point_named(point)
    check_device(PrepareSettings(**plan.prepare).device)
    for row in plan.methods:
        if not row.trained:
            _check_row(plan, row)


def _check_row(plan: Experiment, row: MethodRow) -> None:
    settings, where = entry(row.name).settings, f"settings of {row.title}"
    _check_types(type(settings), where, from_file(row.settings))
    with _named(where):
        resized(settings, PrepareSettings(**plan.prepare).matrix, **row.settings)
    _check_fields(ScoreSettings, f"scoring of {row.title}", plan.scoring | row.scoring)
    _check_training(f"training of {row.title}", plan.training | row.training)


def _check_training(where: str, fields: Mapping[str, Any]) -> None:
    if "seed" in fields:
        raise UsageError(f"{where}: expected no seed, found one. Give seeds of the experiment.")
    _check_fields(TrainSettings, where, fields)
    check_device(TrainSettings(**fields).device)


def _check_fields(kind: type, where: str, fields: Mapping[str, Any]) -> None:
    """Refuse fields that settings do not have, or do not take; their ranges they check alone."""
    _check_types(kind, where, fields)
    with _named(where):
        kind(**fields)


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Put the place before the message of what is wrong there."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error


def _check_types(kind: type, where: str, fields: Mapping[str, Any]) -> None:
    hints = get_type_hints(kind)
    unknown = sorted(fields.keys() - hints)
    if unknown:
        raise UsageError(
            f"{where}: expected fields among {', '.join(hints)}, found {', '.join(unknown)}. "
            "Correct the names."
        )
    for name, value in fields.items():
        try:
            TypeAdapter(hints[name]).validate_python(value, strict=True)
        except ValidationError as error:
            raise UsageError(
                f"{where}: expected another value of {name}, found {value!r}. {found_wrong(error)}."
            ) from error
