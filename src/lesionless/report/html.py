"""Pages that need nothing beside them: escaping, tables, pictures and one style for all."""

import base64
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from lesionless.report.table_formats import Table

NONE = "n/a"
"""Stands where there is no value."""

RESEARCH_USE = "Research use only. This is not a medical device."

_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"<?xml": "image/svg+xml"}


class Html(str):
    """Be text that is HTML already; every other text is escaped."""

    __slots__ = ()


@dataclass(frozen=True, eq=False)
class Picture:
    """Hold a picture with the words that belong to it.

    Attributes:
        content: A PNG, JPEG or SVG file.
        caption: What it shows, for everybody.
        description: What can be seen, for those who cannot see it.
    """

    content: bytes
    caption: str
    description: str


def page(title: str, *parts: Html, subtitle: str = "") -> Html:
    """Return a whole page with a heading, the parts, and the statement of use.

    Args:
        title: Heading and title.
        parts: What stands in it.
        subtitle: A line below the heading.
    """
    below = element("p", subtitle, kind="subtitle") if subtitle else ""
    return Html(
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n{below}\n"
        f"{element('p', RESEARCH_USE, kind='use')}\n</header>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def section(heading: str, *parts: Html) -> Html:
    """Return parts under a heading of the second level; nothing where there are no parts."""
    inside = "\n".join(part for part in parts if part)
    if not inside:
        return Html("")
    return Html(
        f'<section id="{_anchor(heading)}">\n<h2>{escape(heading)}</h2>\n{inside}\n</section>'
    )


def contents(*sections: Html) -> Html:
    """Return links to the sections that hold something, and the sections."""
    headings = re.findall(r'^<section id="([^"]*)">\n<h2>(.*)</h2>', "\n".join(sections), re.M)
    links = "".join(f'<li><a href="#{anchor}">{text}</a></li>' for anchor, text in headings)
    bar = f'<nav aria-label="Contents"><ul>{links}</ul></nav>'
    return Html("\n".join([bar, *(section for section in sections if section)]))


def link(heading: str) -> Html:
    """Return a link to the section of a heading.

    >>> link("sub-1_FLAIR")
    '<a href="#sub-1-flair">sub-1_FLAIR</a>'
    """
    return Html(f'<a href="#{_anchor(heading)}">{escape(heading)}</a>')


def element(tag: str, content: Any, *, kind: str = "") -> Html:
    """Return an element with text or `Html` in it.

    >>> element("p", "1 < 2", kind="note")
    '<p class="note">1 &lt; 2</p>'
    """
    attribute = f' class="{escape(kind)}"' if kind else ""
    return Html(f"<{tag}{attribute}>{cell_text(content)}</{tag}>")


def paragraphs(text: str) -> Html:
    """Return text as paragraphs; an empty line parts them."""
    parts = (" ".join(part.split()) for part in text.split("\n\n"))
    return Html("\n".join(element("p", part) for part in parts if part))


def bullets(items: Sequence[str], *, kind: str = "") -> Html:
    """Return a list; nothing where it has no items."""
    if not items:
        return Html("")
    return element("ul", Html("".join(element("li", item) for item in items)), kind=kind)


def table(content: Table) -> Html:
    """Return a table with its title as caption; the first column heads the rows."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in content.columns)
    notes = element("p", " ".join(content.notes), kind="note") if content.notes else ""
    rows = [(name, *map(_unbroken, values)) for name, *values in content.rows]
    return Html(f"{_table(content.title, rows, head, 'numbers')}\n{notes}")


def pairs(content: Mapping[str, Any], caption: str) -> Html:
    """Return names and values as a table; nothing where there are none."""
    return _table(caption, list(content.items()), "", "pairs") if content else Html("")


def picture(content: Picture) -> Html:
    """Return a picture that lies in the page itself."""
    return Html(
        f'<figure>\n<img src="{data_address(content.content)}" '
        f'alt="{escape(content.description)}">\n'
        f"<figcaption>{escape(content.caption)}</figcaption>\n</figure>"
    )


def details(summary: str, *parts: Html) -> Html:
    """Return parts that are folded away until they are asked for."""
    inside = "\n".join(parts)
    return Html(f"<details>\n<summary>{escape(summary)}</summary>\n{inside}\n</details>")


def data_address(content: bytes) -> str:
    """Return a picture as an address that holds it.

    Raises:
        ValueError: It is neither PNG, JPEG nor SVG.
    """
    for start, kind in _TYPES.items():
        if content.startswith(start):
            return f"data:{kind};base64,{base64.b64encode(content).decode()}"
    raise ValueError(f"Expected a PNG, JPEG or SVG picture, found {content[:8]!r}.")


def cell_text(value: Any) -> Html:
    """Return a value as escaped text; numbers with four digits that count, nothing as n/a.

    >>> [cell_text(value) for value in (0.123456, 12, float("nan"), None, "a&b")]
    ['0.1235', '12', 'n/a', 'n/a', 'a&amp;b']
    """
    if isinstance(value, Html):
        return value
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return Html(NONE)
    if isinstance(value, float | np.floating):
        return Html(f"{value:.4g}")
    return Html(escape(str(value)))


def _table(caption: str, rows: Sequence[Sequence[Any]], head: str, kind: str) -> Html:
    top = f"<thead><tr>{head}</tr></thead>\n" if head else ""
    body = "\n".join(_row(row) for row in rows)
    return Html(
        f'<div class="table" tabindex="0" role="region" aria-label="{escape(caption)}">\n'
        f'<table class="{kind}">\n<caption>{escape(caption)}</caption>\n{top}'
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _unbroken(text: str) -> str:
    """Keep a number with its spread, and an interval, in one line; break between the two."""
    return re.sub(r" (?!\[)", "\N{NO-BREAK SPACE}", text)


def _row(values: Sequence[Any]) -> str:
    first, *others = values
    cells = "".join(f"<td>{cell_text(value)}</td>" for value in others)
    return f'<tr><th scope="row">{cell_text(first)}</th>{cells}</tr>'


def _anchor(heading: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", heading.lower()))


def _style() -> str:
    return (files("lesionless.report") / "page.css").read_text(encoding="utf-8")
