"""Evaluations of single methods, joined, are the evaluation of all."""

from dataclasses import replace

import numpy as np
import pytest

from lesionless.errors import UsageError
from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.join import joined
from lesionless.evaluation.results import Results
from lesionless.evaluation.settings import EvaluationSettings


@pytest.fixture
def cases(make_case):
    return {
        method: [make_case(f"{n:02}", seed=n, method=method, contrast=how) for n in range(4)]
        for method, how in (("sAE3", 2.0), ("intensity", 4.0), ("dVAE", 1.0))
    }


def one_by_one(cases, settings) -> list[Results]:
    return [
        evaluate(part, settings, seconds_per_slice={method: 0.1}) for method, part in cases.items()
    ]


def test_they_are_the_evaluation_of_all_methods(cases, settings):
    times = dict.fromkeys(cases, 0.1)
    whole = evaluate(
        [case for part in cases.values() for case in part], settings, seconds_per_slice=times
    )
    found = joined(one_by_one(cases, settings))
    for name in ("settings", "rows", "comparisons", "agreements", "seconds_per_slice"):
        assert repr(getattr(found, name)) == repr(getattr(whole, name)), name
    assert sorted(map(repr, found.summary)) == sorted(map(repr, whole.summary))
    for name in ("curves", "frocs", "histograms", "dice_curves"):
        expected, curves = getattr(whole, name), getattr(found, name)
        assert curves.keys() == expected.keys()
        for group, curve in curves.items():
            for key, value in vars(curve).items():
                np.testing.assert_array_equal(value, getattr(expected[group], key))


def test_scans_that_one_method_lacks_are_named(cases, settings, caplog):
    cases["intensity"] = cases["intensity"][1:]
    found = joined(one_by_one(cases, settings))
    assert [r.getMessage() for r in caplog.records] == ["intensity was not judged on sub-00_FLAIR"]
    n = {(c.first, c.second): c.n for c in next(iter(found.comparisons.values()))}
    assert n["sAE3", "dVAE"] == 4
    assert n["sAE3", "intensity"] == 3


def test_one_name_for_two_rows_is_refused(cases, settings):
    first, second, _ = one_by_one(cases, settings)
    with pytest.raises(UsageError, match=r"sAE3.*--method"):
        joined([first, second, first])


def test_other_settings_are_refused(cases, settings):
    first, second, _ = one_by_one(cases, settings)
    other = replace(second, settings=replace(EvaluationSettings(), seed=3))
    with pytest.raises(UsageError, match="same settings"):
        joined([first, other])


def test_methods_without_a_common_scan_are_refused(cases, settings):
    cases["intensity"], cases["dVAE"] = cases["intensity"][:2], cases["dVAE"][2:]
    with pytest.raises(UsageError, match="intensity and dVAE have in common"):
        joined(one_by_one(cases, settings))


def test_training_runs_and_unknown_references_are_joined_too(make_case, settings):
    runs = [
        replace(make_case(f"{n:02}", seed=n, method="sAE3"), seed=seed)
        for seed in (0, 1)
        for n in range(3)
    ]
    others = [make_case(f"{n:02}", seed=n, method="intensity") for n in range(3)]
    others.append(make_case("91", seed=91, method="intensity", lesion=None))
    runs.append(replace(make_case("91", seed=91, method="sAE3", lesion=None), seed=0))
    whole = evaluate([*runs, *others], settings)
    found = joined([evaluate(runs, settings), evaluate(others, settings)])
    assert repr(found.comparisons) == repr(whole.comparisons)
    assert sorted(map(repr, found.summary)) == sorted(map(repr, whole.summary))
