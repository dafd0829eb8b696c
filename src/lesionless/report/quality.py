"""The quality page of a cohort: every prepared scan with its gates, worst first."""

from collections.abc import Mapping
from dataclasses import dataclass
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
from lesionless.report import html
from lesionless.report.html import Html, Picture
from lesionless.report.quality_figure import quality_figure
from lesionless.report.style import figure_bytes
from lesionless.report.table_formats import Table

PICTURE_DPI = 100


@dataclass(frozen=True)
class _Row:
    """Hold what the page says of one scan."""

    name: str
    method: str
    figures: Mapping[str, float]
    judgements: list[Judgement]
    section: Html

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


def figures_of(quality: Mapping[str, float], record: Mapping[str, Any]) -> dict[str, float]:
    """Return all figures of a prepared scan: those of its brain mask, and those of the rest.

    Args:
        quality: Those of the rest, see `PreparedScan`.
        record: How the scan was prepared, likewise.
    """
    strip: Mapping[str, Any] = record.get("strip", {})
    of_mask = [
        attempt["figures"]
        for attempt in strip.get("attempts", [])
        if attempt["method"] == strip["method"]
    ]
    return {**(of_mask[0] if of_mask else {}), **quality}


def _row(prepared: PreparedScan, path: Path | None) -> _Row:
    figures = figures_of(prepared.quality, prepared.record)
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
    method = str(strip.get("method", html.NONE))
    section = html.section(
        prepared.name,
        html.picture(picture),
        html.bullets([j.sentence for j in judgements if not j.passed], kind="warnings"),
        html.bullets([f"passed: {j.sentence}" for j in judgements if j.passed]),
        *(html.element("p", note, kind="note") for note in notes),
    )
    return _Row(prepared.name, method, figures, judgements, section)


def _picture(prepared: PreparedScan, path: Path | None) -> tuple[Picture, str]:
    """Return the picture of one scan, and a note where the scan itself could not be drawn."""
    scan, note = None, "" if path else "The scan itself was not at hand; its prepared slices are."
    if path:
        try:
            scan = read_scan(path)
        except ScanError as error:
            note = str(error)
    atlas = load_atlas(str(prepared.record.get("settings", {}).get("space", "mni152")))
    figure = quality_figure(prepared, scan, atlas)
    method = prepared.record.get("strip", {}).get("method", html.NONE)
    picture = Picture(
        figure_bytes(figure, kind="jpeg", dpi=PICTURE_DPI),
        f"brain mask by {method}",
        f"Brain mask and atlas outlines of {prepared.name}",
    )
    return picture, note


def _page(rows: list[_Row], failed: Mapping[str, str]) -> Html:
    n_flagged = sum(not row.passed for row in rows)
    introduction = (
        f"{len(rows)} scans are prepared, {n_flagged} of them fail a gate, {len(failed)} could not "
        "be prepared. Worst first: the gate that comes closest to its limit decides. Orange: the "
        "brain mask. Blue: the atlas brain. The patient's right is at the left."
    )
    return html.page(
        "Quality of preparation",
        html.element("p", introduction),
        html.bullets([f"{name}: {reason}" for name, reason in failed.items()], kind="warnings"),
        html.table(_overview(rows)),
        *(row.section for row in rows),
    )


def _overview(rows: list[_Row]) -> Table:
    return Table(
        "All scans",
        ("scan", "mask by", *GATES),
        tuple((html.link(row.name), row.method, *_gate_cells(row)) for row in rows),
        tuple(f"{name}: {gate.meaning}." for name, gate in GATES.items()),
    )


def _gate_cells(row: _Row) -> list[str]:
    judged = {judgement.name: judgement for judgement in row.judgements}
    return [
        f"{judged[name].value:.4g}{'' if judged[name].passed else ', failed'}"
        if name in judged
        else html.NONE
        for name in GATES
    ]


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
