"""How the rows of a benchmark were trained: as a table, and as columns beside the results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lesionless.report.table_cells import NONE
from lesionless.report.table_formats import Table


@dataclass(frozen=True)
class TrainingRecord:
    """Say how one row of the table was trained.

    Attributes:
        method: Name of the row.
        seed: Of the training run; None for a method without a network.
        epochs: Passes over the slices; 0 where there is nothing to train.
        n_slices: Slices without lesions that it learned from.
        hours: Time of the training.
        n_parameters: Trainable values.
    """

    method: str
    seed: int | None
    epochs: int
    n_slices: int
    hours: float
    n_parameters: int


_COLUMNS: dict[str, Callable[[TrainingRecord], str]] = {
    "Epochs": lambda record: str(record.epochs),
    "Slices": lambda record: f"{record.n_slices:,}",
    "Seed": lambda record: NONE if record.seed is None else str(record.seed),
    "Hours": lambda record: f"{record.hours:.3g}",
}


def training_table(records: Sequence[TrainingRecord]) -> Table:
    """Return one row per training run."""
    return Table(
        "How every row was trained",
        ("Method", *_COLUMNS, "Parameters"),
        tuple(
            (record.method, *(text(record) for text in _COLUMNS.values()), _parameters(record))
            for record in records
        ),
    )


def with_training(table: Table, records: Sequence[TrainingRecord]) -> Table:
    """Return a table of methods with how each was trained; nothing for those without a record.

    Where a method was trained with several seeds, what differs between the runs is listed.
    """
    return replace(
        table,
        columns=(*table.columns, *_COLUMNS),
        rows=tuple((*row, *_cells(row[0], records)) for row in table.rows),
    )


def _cells(method: str, records: Sequence[TrainingRecord]) -> list[str]:
    mine = [record for record in records if record.method == method]
    return [
        ", ".join(dict.fromkeys(text(record) for record in mine)) or NONE
        for text in _COLUMNS.values()
    ]


def _parameters(record: TrainingRecord) -> str:
    return f"{record.n_parameters:,}"
