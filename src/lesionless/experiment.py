"""An experiment file: everything a benchmark needs, in TOML."""

import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lesionless.errors import UsageError


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
        trained: A model folder, or the name of a shipped model, that is judged as it is, so that
            nothing else may be said of it.
    """

    name: str
    label: str = ""
    settings: dict[str, Any] = {}
    scoring: dict[str, Any] = {}
    training: dict[str, Any] = {}
    calibration_slices: int | None = Field(default=None, ge=1)
    trained: str = ""

    @model_validator(mode="after")
    def _judged_as_it_is(self) -> "MethodRow":
        if self.trained and (given := self.model_fields_set - {"name", "label", "trained"}):
            raise ValueError(f"expected a trained model as it is, found {', '.join(sorted(given))}")
        return self

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
        lesion_rules: Fields of `LesionRules`.
        seeds: One training run each; no seed twice.
        regions: Level ranges that are reported: `all`, `mid`, `paper`.
        operating_points: Thresholds that are reported; the first is that of the figures.
        methods: The rows of the table; no title twice.
    """

    title: str
    cohort: Cohort = Cohort()
    prepare: dict[str, Any] = {}
    normals: dict[str, Any] = {}
    training: dict[str, Any] = {}
    scoring: dict[str, Any] = {}
    lesion_rules: dict[str, Any] = {}
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0,), min_length=1)
    regions: tuple[str, ...] = ("all",)
    operating_points: tuple[str, ...] = Field(default=("p98", "fpr-1e-2", "fpr-1e-3"), min_length=1)
    methods: tuple[MethodRow, ...] = Field(min_length=1)

    @field_validator("methods")
    @classmethod
    def _titles_differ(cls, rows: tuple[MethodRow, ...]) -> tuple[MethodRow, ...]:
        _check_different((row.title for row in rows), "another label for each row")
        return rows

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        _check_different(seeds, "another seed for each run")
        return seeds

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
    """Read an experiment file; whether settings and names in it exist is not checked.

    One that names another as `extends`, relative to itself, has that one's fields but for its own;
    tables such as `[prepare]` are joined key by key, lists such as `[[methods]]` are replaced.

    Raises:
        UsageError: A file is missing, is not TOML, extends itself, or holds an unknown or wrong
            field.
    """
    try:
        return Experiment(**_fields(path))
    except ValidationError as error:
        raise UsageError(
            f"{path}: expected other fields. {found_wrong(error)}. Correct the file."
        ) from error


def found_wrong(error: ValidationError) -> str:
    """Return what pydantic finds wrong, with the places."""
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, found["loc"])), _said(found["msg"]))))
        for found in error.errors()
    )


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")  # pydantic's, before what `Experiment` says itself


def _check_different(values: Iterable[object], expected: str) -> None:
    twice = [value for value, times in Counter(values).items() if times > 1]
    if twice:
        raise ValueError(f"expected {expected}, found {', '.join(map(str, twice))} twice")


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
