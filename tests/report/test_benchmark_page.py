"""The report of a benchmark: every part where it is given, none where it is not."""

import re
from dataclasses import replace

from lesionless.report.benchmark_page import (
    OPEN_TABLES,
    BenchmarkReport,
    benchmark_page,
    drawn,
    flat,
)
from lesionless.report.style import new_figure
from lesionless.report.table_formats import Table
from lesionless.report.training_table import TrainingRecord

HEADINGS = (
    *("Results", "What to keep in mind", "Figures", "Cohort"),
    *("Training", "Methods", "Settings", "Provenance"),
)


def full():
    figure = drawn(new_figure(1, width_inch=1), "a caption", "a description")
    return BenchmarkReport(
        title="A benchmark",
        tables=[Table("Table 1", ("method", "Dice"), (("sAE3", "0.5 ± 0.1"),), ("A note.",))],
        figures=[figure],
        notes=["Phantoms only."],
        cohort={"patients": 49},
        training=[
            TrainingRecord("sAE3", 3, 30, 1660, 1.25, 1_376_033),
            TrainingRecord("intensity", None, 0, 0, 0.0, 0),
        ],
        loss_curves=[figure],
        methods="Models were trained.",
        settings={"experiment": {"seeds": [0, 1], "methods": [{"name": "sAE3"}]}},
        provenance={"packages": {"torch": "2"}, "git_commit": None},
    )


def test_all_parts_are_in_the_page_in_order():
    page = benchmark_page(full())
    places = [page.index(f"<h2>{heading}</h2>") for heading in HEADINGS]
    assert places == sorted(places)
    for text in (
        *(
            "0.5\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.1",
            "A note.",
            "Phantoms only.",
            "49",
            "1,376,033",
            "1.25",
            "a caption",
        ),
        *("experiment.seeds", "0, 1", "packages.torch", "Models were trained.", "Loss curves"),
    ):
        assert text in page, text
    assert "http" not in page


def test_parts_that_are_not_given_leave_no_heading():
    page = benchmark_page(BenchmarkReport("Only a title"))
    assert not [heading for heading in HEADINGS if f"<h2>{heading}</h2>" in page]
    assert "<details>" not in page


def test_the_same_report_gives_the_same_page():
    assert benchmark_page(full()) == benchmark_page(full())


def test_further_tables_are_folded_away_under_their_titles():
    tables = [Table(f"Table {n}", ("a", "b"), (("x", "1"),)) for n in range(OPEN_TABLES + 2)]
    page = benchmark_page(BenchmarkReport("t", tables=tables))
    assert page.count("<table") == OPEN_TABLES + 2
    assert re.findall("<summary>(.*)</summary>", page) == [t.title for t in tables[OPEN_TABLES:]]


def test_nested_settings_are_named_by_their_place():
    nested = {"methods": [{"name": "dAE", "settings": {"latent": 512}}, {"name": "sAE3"}]}
    assert flat({"e": nested}) == {
        "e.methods[0].name": "dAE",
        "e.methods[0].settings.latent": 512,
        "e.methods[1].name": "sAE3",
    }
    assert flat({"empty": [], "none": None}) == {"empty": "", "none": None}


def test_scans_that_are_missing_stand_above_all_numbers():
    named = benchmark_page(replace(full(), missing=["sub-1_FLAIR: no <NIfTI> file"]))
    assert "<li>sub-1_FLAIR: no &lt;NIfTI&gt; file</li>" in named
    assert named.index("<h2>Scans that are missing</h2>") < named.index("<h2>Results</h2>")
