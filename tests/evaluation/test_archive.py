import csv
import json
import math

import numpy as np
import pytest

from lesionless.errors import UsageError
from lesionless.evaluation import archive
from lesionless.evaluation.archive import read_results, write_results
from lesionless.evaluation.evaluate import evaluate


@pytest.fixture
def results(make_case, settings):
    cases = [
        make_case(f"{subject:02}", seed=subject, method=method)
        for method in ("sAE3", "intensity")
        for subject in range(3)
    ]
    healthy = make_case("90", seed=90, n_lesions=0)
    unknown = make_case("91", seed=91, lesion=None)
    times = {"sAE3": 0.0118}
    return evaluate([*cases, healthy, unknown], settings, seconds_per_slice=times)


def test_results_come_back_as_they_were(results, tmp_path):
    write_results(results, tmp_path)
    back = read_results(tmp_path)
    for name in ("settings", "rows", "summary", "comparisons", "agreements", "seconds_per_slice"):
        assert repr(getattr(back, name)) == repr(getattr(results, name)), name
    for name in ("curves", "frocs", "histograms", "dice_curves"):
        before, after = getattr(results, name), getattr(back, name)
        assert list(before) == list(after)
        for group, curve in before.items():
            for key, value in vars(curve).items():
                np.testing.assert_array_equal(getattr(after[group], key), value)
                assert (
                    np.asarray(getattr(after[group], key)).dtype.kind
                    == np.asarray(value).dtype.kind
                )


def test_the_same_results_give_the_same_bytes(results, tmp_path):
    write_results(results, tmp_path / "one")
    write_results(read_results(tmp_path / "one"), tmp_path / "two")
    for path in (tmp_path / "one").glob("*.csv"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_the_tidy_table_tells_undefined_from_not_applicable(results, tmp_path):
    write_results(results, tmp_path)
    with (tmp_path / "subjects.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(results.rows)
    healthy = [row for row in rows if row["subject"] == "90" and row["region"] == "all"]
    free, low = healthy[0], healthy[1]
    assert (free["operating_point"], free["auprc"], free["dice"]) == ("any", "nan", "")
    assert (low["operating_point"], low["auprc"], low["dice"]) == ("low", "", "nan")
    assert float(low["false_positive_ml"]) > 0


def test_the_json_holds_settings_definitions_and_counts(results, tmp_path):
    write_results(results, tmp_path)
    described = json.loads((tmp_path / "results.json").read_text())
    assert described["settings"]["lesion_rules"]["minimum_overlap"] == 0.1
    assert described["metrics"]["dice"]["definition"].startswith("Return 2 TP")
    assert described["n_rows_by_truth"]["unknown"] == 4
    assert not any(isinstance(x, float) and math.isnan(x) for x in described["summary"][0].values())


def test_a_folder_without_results_is_named(tmp_path, results):
    with pytest.raises(UsageError, match=r"expected the results of an evaluation"):
        read_results(tmp_path)
    write_results(results, tmp_path)
    (tmp_path / "summary.csv").write_text("method\nsAE3\n")
    with pytest.raises(UsageError, match="KeyError"):
        read_results(tmp_path)


def test_the_folder_of_a_benchmark_names_the_one_inside(tmp_path, results):
    write_results(results, tmp_path / archive.RESULTS_FOLDER)
    with pytest.raises(UsageError, match=r"Give .*results, or have the whole report written"):
        read_results(tmp_path)


def test_a_folder_that_was_half_written_again_holds_no_results(results, tmp_path, monkeypatch):
    write_results(results, tmp_path)
    write = archive.write_text_whole

    def stop(path, text):
        if path.name == "summary.csv":
            raise KeyboardInterrupt
        write(path, text)

    monkeypatch.setattr(archive, "write_text_whole", stop)
    with pytest.raises(KeyboardInterrupt):
        write_results(results, tmp_path)
    with pytest.raises(UsageError, match="evaluate"):
        read_results(tmp_path)
