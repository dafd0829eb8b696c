"""Means over subjects and pooled values, with intervals, from tidy rows and tallies."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lesionless.evaluation.agreement import Agreement, bland_altman
from lesionless.evaluation.bootstrap import bootstrap_average_precision, bootstrap_mean
from lesionless.evaluation.metrics import METRICS
from lesionless.evaluation.paired import Comparison, compare_all
from lesionless.evaluation.results import THRESHOLD_FREE, Group, Row, Setting, Summary
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.evaluation.tally import Tally
from lesionless.evaluation.volumes import scan_volumes

NAN = float("nan")


class SubjectValues:
    """The values of the tidy table by metric, averaged over a subject's scans."""

    def __init__(self, rows: Iterable[Row]) -> None:
        scans: dict[tuple[Setting, str, int | None, str], list[float]] = {}
        for row in rows:
            if row.truth == "unknown":
                continue
            for metric, value in row.values.items():
                setting = Setting(metric, row.region, row.operating_point)
                scans.setdefault((setting, row.method, row.seed, row.subject), []).append(value)
        self._by_seed: dict[Setting, dict[str, dict[int | None, dict[str, float]]]] = {}
        for (setting, method, seed, subject), values in scans.items():
            methods = self._by_seed.setdefault(setting, {})
            methods.setdefault(method, {}).setdefault(seed, {})[subject] = _mean(values)

    @property
    def settings(self) -> list[Setting]:
        """Return every metric at every operating point in every region."""
        return list(self._by_seed)

    def methods(self, setting: Setting) -> list[str]:
        """Return the methods that have values."""
        return list(self._by_seed[setting])

    def over_seeds(self, setting: Setting, method: str) -> dict[str, float]:
        """Return the value of each subject, averaged over training runs."""
        values: dict[str, list[float]] = {}
        for subjects in self._by_seed[setting][method].values():
            for subject, value in subjects.items():
                values.setdefault(subject, []).append(value)
        return {subject: _mean(runs) for subject, runs in values.items()}

    def seed_means(self, setting: Setting, method: str) -> list[float]:
        """Return the mean over subjects of each training run."""
        runs = self._by_seed[setting][method].values()
        return [_mean(list(subjects.values())) for subjects in runs]


def summarise_subjects(values: SubjectValues, settings: EvaluationSettings) -> list[Summary]:
    """Return the mean over subjects of every metric of every method."""
    return [
        _subject_summary(values, setting, method, settings)
        for setting in values.settings
        for method in values.methods(setting)
    ]


def summarise_pooled(tallies: Mapping[Group, Tally], settings: EvaluationSettings) -> list[Summary]:
    """Return every pooled metric of every method; training runs are averaged."""
    found: dict[tuple[Setting, str], list[dict[str, Any]]] = {}
    for group, tally in tallies.items():
        for metric, point, entry in _pooled_values(tally, settings):
            key = (Setting(metric, group.region, point), group.method)
            found.setdefault(key, []).append(entry)
    return [_pooled_summary(setting, method, runs) for (setting, method), runs in found.items()]


def compare_methods(
    values: SubjectValues, settings: EvaluationSettings
) -> dict[Setting, tuple[Comparison, ...]]:
    """Test the methods against each other; each metric, region and point is one family."""
    return {
        setting: tuple(
            compare_all(
                {method: values.over_seeds(setting, method) for method in values.methods(setting)},
                settings,
            )
        )
        for setting in values.settings
        if setting.metric in settings.tested and len(values.methods(setting)) > 1
    }


def volume_agreement(rows: Iterable[Row]) -> dict[tuple[str, str, str], Agreement]:
    """Return the Bland-Altman figures over scans by method, region and operating point."""
    return {key: bland_altman(*volumes.T) for key, volumes in scan_volumes(rows).items()}


def _subject_summary(
    values: SubjectValues, setting: Setting, method: str, settings: EvaluationSettings
) -> Summary:
    subjects = values.over_seeds(setting, method)
    interval = bootstrap_mean(
        np.array(list(subjects.values())),
        draws=settings.bootstrap_draws,
        confidence=settings.confidence,
        seed=settings.seed,
    )
    runs = values.seed_means(setting, method)
    return Summary(
        method=method,
        region=setting.region,
        operating_point=setting.operating_point,
        metric=setting.metric,
        scope="subject",
        value=interval.mean,
        sd=interval.sd,
        lower=interval.lower,
        upper=interval.upper,
        n=interval.n,
        n_undefined=interval.n_undefined,
        n_seeds=len(runs),
        seed_sd=_sd(runs),
    )


def _pooled_values(
    tally: Tally, settings: EvaluationSettings
) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Yield metric, operating point and value of one group."""
    pools: dict[str, Mapping[str, Any]] = {
        "scores": {THRESHOLD_FREE: tally.scores} if tally.subjects else {},
        "voxels": tally.pooled_voxels(),
        "lesions": tally.pooled_lesions(),
    }
    for name, metric in METRICS.items():
        if not metric.is_pooled:
            continue
        for point, counts in pools[metric.statistic].items():
            entry = {"value": metric.function(counts), "lower": NAN, "upper": NAN}
            if name == "auprc":
                entry["lower"], entry["upper"] = bootstrap_average_precision(
                    list(tally.subjects.values()),
                    draws=settings.bootstrap_draws,
                    confidence=settings.confidence,
                    seed=settings.seed,
                )
            yield name, point, entry | {"n": _n_subjects(tally)}


def _pooled_summary(setting: Setting, method: str, runs: Sequence[dict[str, Any]]) -> Summary:
    return Summary(
        method=method,
        region=setting.region,
        operating_point=setting.operating_point,
        metric=setting.metric,
        scope="pooled",
        value=_mean([run["value"] for run in runs]),
        sd=NAN,
        lower=_mean([run["lower"] for run in runs]),
        upper=_mean([run["upper"] for run in runs]),
        n=max(run["n"] for run in runs),
        n_undefined=0,
        n_seeds=len(runs),
        seed_sd=_sd([run["value"] for run in runs]),
    )


def _n_subjects(tally: Tally) -> int:
    return len(tally.subjects)


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else NAN


def _sd(values: Sequence[float]) -> float:
    defined = [value for value in values if not np.isnan(value)]
    return float(np.std(defined, ddof=1)) if len(defined) > 1 else NAN
