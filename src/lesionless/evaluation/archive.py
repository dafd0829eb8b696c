"""Results as files: tidy CSV tables and one JSON, written and read back without loss."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np

from lesionless.errors import UsageError
from lesionless.evaluation.agreement import Agreement
from lesionless.evaluation.froc import Froc
from lesionless.evaluation.lesions import LesionRules
from lesionless.evaluation.metrics import METRICS
from lesionless.evaluation.paired import Comparison
from lesionless.evaluation.precision_recall import PrecisionRecall
from lesionless.evaluation.results import DiceCurve, Group, Results, Row, Setting, Summary
from lesionless.evaluation.score_counts import ScoreCounts
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.provenance import describe_software, json_text, write_text_whole

RESULTS_NAME = "results.json"
"""The file by which a folder of results is known; it is written last."""

RESULTS_FOLDER = "results"
"""Where a benchmark keeps its results, below its own folder."""

T = TypeVar("T")
Record = dict[str, Any]

_ROW_KEYS = tuple(field.name for field in fields(Row) if field.name != "values")
_AGREEMENT_KEYS = ("method", "region", "operating_point")


def write_results(
    results: Results, folder: Path, *, request: Mapping[str, Any] | None = None
) -> None:
    """Write results to a folder, and what was asked for, see `read_request`.

    `subjects.csv` has one row per scan, method, seed, region and operating point: a metric that is
    undefined there is `nan`, one that does not apply is left empty. `summary.csv`,
    `comparisons.csv` and `agreement.csv` hold the figures over subjects; `precision_recall.csv`,
    `froc.csv`, `dice_by_threshold.csv` and `score_histogram.csv` the curves; `results.json` the
    settings, the metrics and the summary.
    """
    tables: dict[str, Iterable[Record]] = {
        "subjects": (
            {**{key: getattr(row, key) for key in _ROW_KEYS}, **row.values} for row in results.rows
        ),
        "summary": (asdict(entry) for entry in results.summary),
        "comparisons": (
            setting._asdict() | asdict(comparison)
            for setting, comparisons in results.comparisons.items()
            for comparison in comparisons
        ),
        "agreement": (
            dict(zip(_AGREEMENT_KEYS, key, strict=True)) | asdict(agreement)
            for key, agreement in results.agreements.items()
        ),
        "precision_recall": _columns(results.curves),
        "froc": _columns(results.frocs),
        "dice_by_threshold": _columns(results.dice_curves),
        "score_histogram": _columns(results.histograms),
    }
    (folder / RESULTS_NAME).unlink(missing_ok=True)  # those of before are whole no longer
    for name, records in tables.items():
        write_text_whole(folder / f"{name}.csv", _csv_text(list(records)))
    described = {"request": dict(request or {}), **_described(results)}
    write_text_whole(folder / RESULTS_NAME, json_text(described))


def read_request(folder: Path) -> dict[str, Any]:
    """Return what the results of a folder were asked for with; nothing where that is not told."""
    try:
        described = json.loads((folder / RESULTS_NAME).read_text(encoding="utf-8"))
        return dict(described.get("request", {}))
    except (OSError, ValueError, AttributeError):
        return {}


def read_results(folder: Path) -> Results:
    """Read what `write_results` wrote.

    Raises:
        UsageError: The folder holds no results, or not whole ones.
    """
    try:
        described = json.loads((folder / RESULTS_NAME).read_text(encoding="utf-8"))
        return _results(folder, described)
    except (OSError, ValueError, KeyError, TypeError) as error:
        inner = folder / RESULTS_FOLDER
        instead = (
            f"Give {inner}, or have the whole report written again by `lesionless benchmark`."
            if (inner / RESULTS_NAME).exists()
            else "Run `lesionless evaluate` again."
        )
        raise UsageError(
            f"{folder}: expected the results of an evaluation ({RESULTS_NAME} and its tables), "
            f"found {type(error).__name__}: {error}. {instead}"
        ) from error


def _described(results: Results) -> Record:
    return {
        "settings": asdict(results.settings),
        "seconds_per_slice": dict(results.seconds_per_slice),
        "n_rows_by_truth": {
            truth: sum(row.truth == truth for row in results.rows)
            for truth in ("lesion", "healthy", "unknown")
        },
        "metrics": {
            name: {
                "label": metric.label,
                "unit": metric.unit,
                "better": metric.better,
                "definition": (metric.function.__doc__ or "").strip().splitlines()[0],
            }
            for name, metric in METRICS.items()
        },
        "software": describe_software(),
        "summary": [asdict(entry) for entry in results.summary],
    }


def _results(folder: Path, described: Record) -> Results:
    settings = described["settings"]
    settings["lesion_rules"] = LesionRules(**settings["lesion_rules"])
    settings["tested"] = tuple(settings["tested"])
    comparisons: dict[Setting, tuple[Comparison, ...]] = {}
    for record in _read(folder, "comparisons"):
        setting = _object(Setting, record)
        comparisons[setting] = (*comparisons.get(setting, ()), _object(Comparison, record))
    return Results(
        settings=EvaluationSettings(**settings),
        rows=tuple(_row(record) for record in _read(folder, "subjects")),
        summary=tuple(_object(Summary, record) for record in _read(folder, "summary")),
        comparisons=comparisons,
        agreements={
            (record["method"], record["region"], record["operating_point"]): _object(
                Agreement, record
            )
            for record in _read(folder, "agreement")
        },
        curves=_groups(PrecisionRecall, _read(folder, "precision_recall")),
        frocs=_groups(Froc, _read(folder, "froc")),
        histograms=_groups(ScoreCounts, _read(folder, "score_histogram")),
        dice_curves=_groups(DiceCurve, _read(folder, "dice_by_threshold")),
        seconds_per_slice=described["seconds_per_slice"],
    )


def _columns(curves: Mapping[Group, Any]) -> Iterable[Record]:
    """Yield one record per point of each curve; what a curve has once is repeated."""
    for group, curve in curves.items():
        values = {field.name: getattr(curve, field.name) for field in fields(curve)}
        n_points = max(np.size(value) for value in values.values())
        columns = [np.broadcast_to(value, n_points).tolist() for value in values.values()]
        for point in zip(*columns, strict=True):
            yield group._asdict() | dict(zip(values, point, strict=True))


def _groups(kind: type[T], records: Iterable[Record]) -> dict[Group, T]:
    grouped: dict[Group, list[Record]] = {}
    for record in records:
        grouped.setdefault(_object(Group, record), []).append(record)
    hints = get_type_hints(kind)
    return {
        group: kind(**{name: _column(points, name, hint) for name, hint in hints.items()})
        for group, points in grouped.items()
    }


def _column(points: Sequence[Record], name: str, hint: Any) -> Any:
    if hint in (int, float):
        return hint(points[0][name])
    dtypes = {"keys": np.uint32, "lesion": np.int64, "normal": np.int64}
    return np.array([point[name] for point in points]).astype(dtypes.get(name, np.float64))


def _row(record: Record) -> Row:
    known = {key: record[key] for key in _ROW_KEYS}
    values = {
        key: float(text) for key, text in record.items() if key not in _ROW_KEYS and text != ""
    }
    return _object(Row, known | {"values": values})


def _object(kind: type[T], record: Record) -> T:
    """Make a dataclass or named tuple from the texts of a record; other columns are left out."""
    hints = get_type_hints(kind)
    return kind(**{name: _value(record[name], hint) for name, hint in hints.items()})


def _value(text: Any, hint: Any) -> Any:
    if hint in (int, float):
        return hint(text)
    if hint == int | None:
        return int(text) if text != "" else None
    return text


def _csv_text(records: Sequence[Record]) -> str:
    columns = list(dict.fromkeys(name for record in records for name in record))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return stream.getvalue()


def _read(folder: Path, name: str) -> list[Record]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
