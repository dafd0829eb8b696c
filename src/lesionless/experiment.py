"""An experiment file: everything a benchmark needs, in TOML, checked before anything runs."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from lesionless.errors import UsageError
from lesionless.models.catalogue import entry, from_file, resized
from lesionless.preprocess.atlas import resolve_space
from lesionless.preprocess.grid import check_slices
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.scoring.recipe import ScoreSettings
from lesionless.scoring.threshold import point_named
from lesionless.training.device import check_device
from lesionless.training.loop import TrainSettings
from lesionless.training.normals import NormalsSettings


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cohort(_Strict):
    """Say where the scans come from: a phantom cohort, or folders given on the command line.

    Attributes:
        healthy: Healthy phantoms; 0 for scans from folders.
        patients: Phantoms with lesions; 0 for scans from folders.
        seed: Of the phantoms.
        thickness_mm: Slice thickness of all phantoms; drawn per subject if not given.
        anatomy_mm: Resolution of the anatomy that phantoms are made from: 1, 2 or 4.
        test_split: Split of the patients that are reported; `all` for every patient.
    """

    healthy: int = Field(default=0, ge=0)
    patients: int = Field(default=0, ge=0)
    seed: int = 0
    thickness_mm: float | None = Field(default=None, gt=0)
    anatomy_mm: Literal[1, 2, 4] = 1
    test_split: str = "all"


class MethodRow(_Strict):
    """Name one row of the table.

    Attributes:
        name: A name of the catalogue.
        label: Name of the row; the catalogue's by default.
        settings: Fields of the model's settings that differ from the catalogue's.
        scoring: Fields of `ScoreSettings` that differ from the experiment's.
        training: Fields of `TrainSettings` that differ from the experiment's.
        calibration_slices: At most so many normal axial slices are scored for thresholds.
        trained: A model folder, or the name of a shipped model, that is judged as it is.
    """

    name: str
    label: str = ""
    settings: dict[str, Any] = {}
    scoring: dict[str, Any] = {}
    training: dict[str, Any] = {}
    calibration_slices: int | None = Field(default=None, ge=1)
    trained: str = ""

    @property
    def title(self) -> str:
        """Return the name of the row."""
        return self.label or self.name


class Experiment(_Strict):
    """Hold one experiment.

    Attributes:
        title: What it is, for the report.
        cohort: Where the scans come from.
        prepare: Fields of `PrepareSettings`.
        normals: Fields of `NormalsSettings`.
        training: Fields of `TrainSettings`, for all methods.
        scoring: Fields of `ScoreSettings`, for all networks.
        seeds: One training run each.
        regions: Level ranges that are reported: `all`, `mid`, `paper`.
        operating_points: Thresholds that are reported.
        methods: The rows of the table.
    """

    title: str
    cohort: Cohort = Cohort()
    prepare: dict[str, Any] = {}
    normals: dict[str, Any] = {}
    training: dict[str, Any] = {}
    scoring: dict[str, Any] = {}
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0,), min_length=1)
    regions: tuple[str, ...] = ("all",)
    operating_points: tuple[str, ...] = ("p98", "fpr-1e-2", "fpr-1e-3")
    methods: tuple[MethodRow, ...]

    def with_changes(
        self, *, epochs: int | None = None, test_split: str | None = None
    ) -> "Experiment":
        """Return the experiment with other epochs, or with other patients that are reported.

        Args:
            epochs: For every method whose row has none itself; None leaves them.
            test_split: As in `Cohort`; None leaves it.

        Raises:
            UsageError: `epochs` is not positive.
        """
        if epochs is not None and epochs < 1:
            raise UsageError(f"Expected at least one epoch, found {epochs}. Give more.")
        training = {} if epochs is None else {"epochs": epochs}
        cohort = {} if test_split is None else {"test_split": test_split}
        return self.model_copy(
            update={
                "training": self.training | training,
                "cohort": self.cohort.model_copy(update=cohort),
            }
        )


def read_experiment(path: Path) -> Experiment:
    """Read and check an experiment file.

    One that names another as `extends`, relative to itself, has that one's fields but for its own;
    tables such as `[prepare]` are joined key by key, lists such as `[[methods]]` are replaced.

    Raises:
        UsageError: A file is missing, is not TOML, extends itself, or holds an unknown or wrong
            field, a name that does not exist, or a device that is not there.
    """
    try:
        plan = Experiment(**_fields(path))
        _check(plan)
        space = {"space": resolve_space(plan.prepare["space"])} if "space" in plan.prepare else {}
    except ValidationError as error:
        raise UsageError(
            f"{path}: expected other fields. {_said(error)}. Correct the file."
        ) from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    return plan.model_copy(update={"prepare": plan.prepare | space})


def _check(plan: Experiment) -> None:
    """Build every setting once, so that what is wrong with one is said before anything runs."""
    _check_fields(PrepareSettings, "prepare", plan.prepare)
    _check_fields(NormalsSettings, "normals", plan.normals)
    _check_training("training", plan.training)
    _check_fields(ScoreSettings, "scoring", plan.scoring)
    for region in plan.regions:
        check_slices(region)
    for point in plan.operating_points:
        point_named(point)
    check_device(PrepareSettings(**plan.prepare).device)
    for row in plan.methods:
        if not row.trained:
            _check_row(plan, row)


def _check_row(plan: Experiment, row: MethodRow) -> None:
    settings = entry(row.name).settings
    _check_types(type(settings), f"settings of {row.title}", from_file(row.settings))
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
    try:
        kind(**fields)
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
                f"{where}: expected another value of {name}, found {value!r}. {_said(error)}."
            ) from error


def _said(error: ValidationError) -> str:
    """Return what pydantic finds wrong, with the places."""
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, found["loc"])), found["msg"])))
        for found in error.errors()
    )


def _fields(path: Path, extended_by: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return the fields of an experiment file and of those that it extends."""
    if path.resolve() in extended_by:
        raise UsageError(f"{path}: expected another experiment to extend, found the file itself.")
    try:
        own = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: expected an experiment in TOML, found: {error}.") from error
    base = own.pop("extends", None)
    if base is None:
        return own
    return _joined(_fields(path.parent / str(base), (*extended_by, path.resolve())), own)


def _joined(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    tables = {
        name: base[name] | field
        for name, field in own.items()
        if isinstance(field, dict) and isinstance(base.get(name), dict)
    }
    return base | own | tables
