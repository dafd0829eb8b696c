import csv
import io
from dataclasses import replace

import pytest

from lesionless.report.table_formats import Table, to_csv, to_latex, to_markdown, to_rich

TABLE = Table(
    title="Results at p98_x",
    columns=("Method", "Dice & more", "n"),
    rows=(("sAE3", "0.5 ± 0.1 [0.4, 0.6]", "7"), ("a_b|c", "<0.001 %", "-")),
    notes=("One note.", "At 3 mm³."),
)


def test_markdown():
    lines = to_markdown(TABLE).splitlines()
    assert lines[0] == "**Results at p98_x**"
    assert lines[2:4] == ["| Method | Dice & more | n |", "|---|---:|---:|"]
    assert lines[4] == "| sAE3 | 0.5 ± 0.1 [0.4, 0.6] | 7 |"
    assert lines[5].startswith(r"| a_b\|c |")
    assert lines[-1] == "One note. At 3 mm³."


def test_latex_is_escaped_and_balanced():
    text = to_latex(TABLE)
    assert r"\caption{Results at p98\_x. One note. At 3 mm$^3$.}" in text
    assert r"Method & Dice \& more & n \\" in text
    assert r"a\_b|c & $<$0.001 \% & - \\" in text
    assert r"$\pm$" in text
    assert text.count(r"\begin") == text.count(r"\end") == 2
    assert r"\begin{tabular}{lrr}" in text


def test_csv_holds_the_cells_as_they_are():
    assert list(csv.reader(io.StringIO(to_csv(TABLE)))) == [
        list(TABLE.columns),
        *(list(row) for row in TABLE.rows),
    ]


def in_a_terminal(table: Table, width: int) -> str:
    from rich.console import Console

    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(to_rich(table, width=width))
    return console.export_text()


def test_rich_shows_texts_without_reading_markup():
    text = in_a_terminal(TABLE, 100)
    assert "0.5 ± 0.1 [0.4, 0.6]" in text
    assert "One note." in text


def lines(table: Table, width: int) -> list[str]:
    return in_a_terminal(table, width).splitlines()


def test_narrow_terminals_show_every_cell_whole():
    metrics = ("AUPRC", "Lesion F1", "Dice")
    cells = [[f"0.{n}{m} ± 0.1 [0.4, 0.6]" for m in range(3)] for n in range(2)]
    table = Table("Results", ("Method", *metrics), tuple(("x", *row) for row in cells))
    assert all(any(all(c in line for c in row) for line in lines(table, 82)) for row in cells)
    long_name = replace(table, rows=tuple(("trained on with others", *row) for row in cells))
    for shown in (lines(table, 81), lines(long_name, 50)):
        for row in cells:
            for metric, cell in zip(metrics, row, strict=True):
                (line,) = (line for line in shown if cell in line)
                assert metric in line


@pytest.mark.parametrize("to_text", [to_markdown, to_latex, to_csv])
def test_every_format_has_every_row(to_text):
    text = to_text(TABLE)
    assert "sAE3" in text and "0.001" in text
