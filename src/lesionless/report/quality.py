"""The quality page of a cohort: every prepared scan with its gates, worst first."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from lesionless import store
from lesionless.data.derivatives import write_tsv
from lesionless.data.scan import read_scan
from lesionless.errors import ScanError
from lesionless.preprocess.atlas import load_atlas
from lesionless.preprocess.prepared import PreparedScan
from lesionless.preprocess.quality import GATES, Judgement, judge
from lesionless.provenance import write_text_whole
from lesionless.report.quality_figure import quality_figure
from lesionless.report.style import figure_bytes

PICTURE_DPI = 100

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1250px; margin: 2em auto; padding: 0 1em;
  color: #1a1a1a; background: #fff }
section { border-top: 1px solid #ddd; margin-top: 1.5em }
h1 { font-size: 1.5em } h2 { font-size: 1.1em; margin-bottom: .3em }
img { width: 100%; height: auto; display: block }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
td, th { padding: .15em .9em .15em 0; text-align: left; vertical-align: top }
.bad { color: #b00020; font-weight: 600 } .good { color: #00695c } .dim { color: #666 }
"""


@dataclass(frozen=True)
class _Row:
    """Hold what the page says of one scan; `html` is its section."""

    name: str
    method: str
    figures: Mapping[str, float]
    judgements: list[Judgement]
    notes: list[str]
    html: str

    @property
    def strain(self) -> float:
        """Return how close the scan comes to failing: above 1 it fails."""
        return max((judgement.strain for judgement in self.judgements), default=0.0)

    @property
    def passed(self) -> bool:
        return all(judgement.passed for judgement in self.judgements)


def write_quality_page(
    folder: Path,
    page: Path,
    *,
    images: Mapping[str, Path] | None = None,
    failed: Mapping[str, str] | None = None,
) -> None:
    """Write the page, and `quality.tsv` beside it.

    Args:
        folder: A store of prepared scans.
        page: The HTML file to write; pictures are inside, nothing is loaded from elsewhere.
        images: Where the scan of each name lies; without it, only the prepared slices are drawn.
        failed: Scans that could not be prepared, with the reason.

    Raises:
        UsageError: The folder holds no prepared scans.
    """
    rows = [_row(prepared, (images or {}).get(prepared.name)) for prepared in store.scans(folder)]
    rows.sort(key=lambda row: (-row.strain, row.name))
    _write_table(page.with_name("quality.tsv"), rows, failed or {})
    write_text_whole(page, _page(rows, failed or {}))


def figures_of(prepared: PreparedScan) -> dict[str, float]:
    """Return all figures of a prepared scan: those of its brain mask, and those of the rest."""
    strip: Mapping[str, Any] = prepared.record.get("strip", {})
    of_mask = [
        attempt["figures"]
        for attempt in strip.get("attempts", [])
        if attempt["method"] == strip["method"]
    ]
    return {**(of_mask[0] if of_mask else {}), **prepared.quality}


def _row(prepared: PreparedScan, path: Path | None) -> _Row:
    figures = figures_of(prepared)
    judgements = sorted(judge(figures), key=lambda judgement: -judgement.strain)
    strip: Mapping[str, Any] = prepared.record.get("strip", {})
    notes = [
        f"{attempt['method']} was not taken: {problem}"
        for attempt in strip.get("attempts", [])
        if attempt["method"] != strip["method"]
        for problem in attempt["problems"]
    ]
    picture, note = _picture(prepared, path)
    notes += [note] if note else []
    method = str(strip.get("method", "n/a"))
    section = _section(prepared.name, method, judgements, notes, picture)
    return _Row(prepared.name, method, figures, judgements, notes, section)


def _picture(prepared: PreparedScan, path: Path | None) -> tuple[bytes, str]:
    """Return the JPEG of one scan, and a note where the scan itself could not be drawn."""
    scan, note = None, "" if path else "The scan itself was not at hand; its prepared slices are."
    if path:
        try:
            scan = read_scan(path)
        except ScanError as error:
            note = str(error)
    atlas = load_atlas(str(prepared.record.get("settings", {}).get("space", "mni152")))
    figure = quality_figure(prepared, scan, atlas)
    return figure_bytes(figure, kind="jpeg", dpi=PICTURE_DPI), note


def _section(
    name: str, method: str, judgements: list[Judgement], notes: list[str], picture: bytes
) -> str:
    gates = "".join(_gate_row(judgement) for judgement in judgements)
    said = "".join(f'<p class="dim">{escape(note)}</p>' for note in notes)
    source = base64.b64encode(picture).decode()
    return (
        f'<section id="{escape(name)}"><h2>{escape(name)} '
        f'<span class="dim">brain mask by {escape(method)}</span></h2>'
        f'<img alt="Brain mask and atlas outlines of {escape(name)}" loading="lazy" '
        f'src="data:image/jpeg;base64,{source}"><table>{gates}</table>{said}</section>\n'
    )


def _gate_row(judgement: Judgement) -> str:
    kind, outcome = ("good", "passed") if judgement.passed else ("bad", "failed")
    return f'<tr><td class="{kind}">{outcome}</td><td>{escape(judgement.sentence)}</td></tr>'


def _page(rows: list[_Row], failed: Mapping[str, str]) -> str:
    n_flagged = sum(not row.passed for row in rows)
    missing = "".join(
        f'<li class="bad">{escape(name)}: {escape(reason)}</li>' for name, reason in failed.items()
    )
    overview = "".join(_overview_row(row) for row in rows)
    head = "".join(
        f'<th title="{escape(gate.meaning)}">{name}</th>' for name, gate in GATES.items()
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Quality of preparation</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>Quality of preparation</h1>\n<p>{len(rows)} scans are prepared, {n_flagged} of them "
        f"fail a gate, {len(failed)} could not be prepared. Worst first: the gate that comes "
        "closest to its limit decides. Orange: the brain mask. Blue: the atlas brain. The "
        "patient's right is at the left.</p>\n"
        f"{f'<ul>{missing}</ul>' if failed else ''}"
        f"<table><tr><th>scan</th><th>mask by</th>{head}</tr>{overview}</table>\n"
        f"{''.join(row.html for row in rows)}</body></html>\n"
    )


def _overview_row(row: _Row) -> str:
    judged = {judgement.name: judgement for judgement in row.judgements}
    cells = "".join(
        f'<td class="{"" if judged[name].passed else "bad"}">{judged[name].value:.4g}</td>'
        if name in judged
        else '<td class="dim">n/a</td>'
        for name in GATES
    )
    link = f'<a href="#{escape(row.name)}">{escape(row.name)}</a>'
    return f"<tr><td>{link}</td><td>{escape(row.method)}</td>{cells}</tr>\n"


def _write_table(path: Path, rows: list[_Row], failed: Mapping[str, str]) -> None:
    names = [*GATES, *sorted({name for row in rows for name in row.figures} - set(GATES))]
    columns = ["scan", "status", "strip_method", "strain", *names, "problems"]
    lines: list[list[Any]] = [
        [name, "failed", None, None, *[None] * len(names), reason]
        for name, reason in failed.items()
    ]
    for row in rows:
        problems = [judgement.sentence for judgement in row.judgements if not judgement.passed]
        figures = [row.figures.get(name) for name in names]
        status = "passed" if row.passed else "flagged"
        lines.append(
            [row.name, status, row.method, row.strain, *figures, "; ".join(problems) or None]
        )
    write_tsv(path, columns, lines)
