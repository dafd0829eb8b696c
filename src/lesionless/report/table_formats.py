"""A table of texts, and how it becomes Markdown, LaTeX, CSV or a table in the terminal."""

import csv
import io
from dataclasses import dataclass
from typing import Any

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "±": r"$\pm$",
    "³": "$^3$",
}


@dataclass(frozen=True)
class Table:
    """Hold a table whose cells are texts.

    Attributes:
        title: What it shows.
        columns: Names of the columns; the first holds names, the others numbers.
        rows: One text per column.
        notes: Sentences below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def to_markdown(table: Table) -> str:
    """Return a table in Markdown, title above and notes below."""
    lines = [
        f"**{table.title}**",
        "",
        _markdown_row(table.columns),
        "|---|" + "---:|" * (len(table.columns) - 1),
        *(_markdown_row(row) for row in table.rows),
    ]
    if table.notes:
        lines += ["", " ".join(table.notes)]
    return "\n".join(lines) + "\n"


def to_latex(table: Table) -> str:
    """Return a LaTeX table; it needs the package booktabs."""
    notes = " ".join(_latex(note) for note in table.notes)
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_latex(table.title)}. {notes}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
        r"\toprule",
        _latex_row(table.columns),
        r"\midrule",
        *(_latex_row(row) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def to_csv(table: Table) -> str:
    """Return the columns and rows as CSV; title and notes are left out."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([table.columns, *table.rows])
    return stream.getvalue()


def to_rich(table: Table, *, width: int) -> Any:
    """Return a table that rich prints in the terminal.

    Args:
        table: The table.
        width: Characters in a line; where they do not hold a row, each of its cells has a line.
    """
    if _characters(table) > width:
        table = _one_cell_a_line(table)
    return _drawn(table)


def _characters(table: Table) -> int:
    """Return how wide a table is whose headings break between words."""
    headings = [max(heading.split(), key=len, default="") for heading in table.columns]
    columns = zip(headings, *table.rows, strict=True)
    return sum(max(map(len, column)) + len(" | ") for column in columns) + 1


def _one_cell_a_line(table: Table) -> Table:
    first, *others = table.columns
    rows = (
        (name if not at else "", heading, cell)
        for name, *cells in table.rows
        for at, (heading, cell) in enumerate(zip(others, cells, strict=True))
    )
    return Table(table.title, (first, "", ""), tuple(rows), table.notes)


def _drawn(table: Table) -> Any:
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(title=Text(table.title), caption=Text(" ".join(table.notes)) or None)
    for at, column in enumerate(table.columns):
        is_last = at == len(table.columns) - 1  # names and headings may break, figures may not
        drawn.add_column(Text(column), justify="right" if at else "left", no_wrap=is_last)
    for row in table.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn


def _markdown_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _latex_row(cells: tuple[str, ...]) -> str:
    return " & ".join(_latex(cell) for cell in cells) + r" \\"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
