"""The page of one segmented scan: what was found, where, by which model, and with what doubts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from lesionless.arrays import Affine, Mask, Volume, voxel_mm3
from lesionless.preprocess.quality import judge
from lesionless.report import html
from lesionless.report.axial import AxialScan, axial_scan, spread_out
from lesionless.report.html import Html, Picture
from lesionless.report.montage import brain_white, detail_figure, overview_figure, score_range
from lesionless.report.style import figure_bytes
from lesionless.report.table_formats import Table
from lesionless.report.viewer import grey_layer, heat_layer, outline_layer, viewer
from lesionless.scoring.segment import Lesion

MOST_SLICES = 64  # in the viewer; keeps the page light
FINEST_MM = 0.9  # finer pixels are averaged, for the same reason
MOST_LESIONS = 200  # in the table; the TSV file holds all


@dataclass(frozen=True, eq=False)
class ScanReport:
    """Hold what the page of a scan shows; all volumes are (i, j, k) on the scan's own grid.

    Attributes:
        name: The scan's name.
        image: The scan, in its own units.
        reconstruction: The scan without lesions, in the same units; 0 outside the brain.
        anomaly: Score in spreads of the normals; 0 outside the brain.
        segmentation: Lesion mask at the operating point.
        brain: Brain mask.
        affine: (4, 4) from voxel index to scan millimetres, RAS+.
        threshold: Score above which a voxel is segmented.
        lesions: Components of the segmentation, the largest first.
        model: Name of the model.
        operating_point: Name of the operating point, and what it stands for.
        methods: The sentences for a methods section; an empty line parts paragraphs.
        quality: Figures of the quality gates by name; those that fail head the page.
        warnings: What the reader must know first.
        provenance: Where the numbers come from: versions, settings, command, seconds.
    """

    name: str
    image: Volume
    reconstruction: Volume
    anomaly: Volume
    segmentation: Mask
    brain: Mask
    affine: Affine
    threshold: float
    lesions: Sequence[Lesion]
    model: str
    operating_point: str
    methods: str = ""
    quality: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)


def scan_page(report: ScanReport) -> Html:
    """Return the page; it needs no other file, and below 2 MB for usual scans."""
    scan = axial_scan(
        report.image,
        report.reconstruction,
        report.anomaly,
        report.segmentation,
        brain=report.brain,
        affine=report.affine,
    )
    return html.page(
        report.name,
        html.bullets([*report.warnings, *_failed_gates(report)], kind="warnings"),
        _summary(report),
        html.section("What stands out", _detail(scan, report)),
        html.section("All slices", _viewer(scan, report), _overview(scan)),
        html.section("Lesions", _lesion_table(report.lesions)),
        html.section("Quality", html.pairs(report.quality, "Figures of the preparation")),
        html.section("Methods", html.paragraphs(report.methods)),
        html.section("Provenance", html.pairs(report.provenance, "Where these numbers come from")),
        subtitle=f"Anomaly map and lesion mask by {report.model}",
    )


def _failed_gates(report: ScanReport) -> list[str]:
    return [judged.sentence for judged in judge(report.quality) if not judged.passed]


def _summary(report: ScanReport) -> Html:
    volume_ml = sum(lesion.volume_ml for lesion in report.lesions)
    voxel_ml = voxel_mm3(report.affine) / 1000
    figures = {
        "lesions": str(len(report.lesions)),
        "lesion volume": f"{volume_ml:.2f} ml",
        "brain volume": f"{np.count_nonzero(report.brain) * voxel_ml:.0f} ml",
        "highest score": f"{float(report.anomaly.max()):.1f}",
        "threshold": f"{report.threshold:.2f}",
        "model": report.model,
        "operating point": report.operating_point,
    }
    inside = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in figures.items()
    )
    return Html(f'<dl class="figures">{inside}</dl>')


def _detail(scan: AxialScan, report: ScanReport) -> Html:
    figure = detail_figure(scan, threshold=report.threshold)
    found = "with the largest segmented area" if report.segmentation.any() else "of highest score"
    return html.picture(
        Picture(
            figure_bytes(figure, kind="jpeg", dpi=140),
            f"The slices {found}, from top to bottom of the head: scan, reconstruction without "
            "lesions, anomaly score, and the segmentation outlined. R and L are the patient's.",
            f"Slices of {report.name}; {len(report.lesions)} lesions are segmented.",
        )
    )


def _overview(scan: AxialScan) -> Html:
    return html.picture(
        Picture(
            figure_bytes(overview_figure(scan), kind="jpeg", dpi=130),
            "Slices from the lowest to the highest, the segmentation outlined. "
            f"Slices are {scan.spacing_mm[0]:.3g} mm apart.",
            "Overview of the scan's slices with the outline of the lesion mask.",
        )
    )


def _viewer(scan: AxialScan, report: ScanReport) -> Html:
    kept = spread_out(len(scan.image), MOST_SLICES)
    shown = _coarser(scan.take(kept))
    white, top = brain_white(scan), score_range(scan, report.threshold)
    heat_from = report.threshold / 2 if report.threshold > 0 else 0.0
    layers = [
        grey_layer("scan", shown.image, white=white, is_shown=True),
        grey_layer("reconstruction", shown.reconstruction, white=white),
        heat_layer("anomaly score", shown.anomaly, bottom=heat_from, top=top),
        outline_layer("segmentation", shown.segmentation),
    ]
    captions = [
        f"slice {number}, z = {height_mm:.0f} mm, {volume_ml:.2f} ml"
        for number, height_mm, volume_ml in zip(
            shown.number, shown.height_mm, scan.volumes_ml[kept], strict=True
        )
    ]
    return viewer(
        layers,
        captions,
        shape=shown.image.shape[1:],
        aspect=shown.aspect,
        start=int(np.argmax(scan.volumes_ml[kept])) if report.lesions else len(kept) // 2,
    )


def _coarser(scan: AxialScan) -> AxialScan:
    """Average pixels that are much finer than a millimetre."""
    steps = [max(1, round(FINEST_MM / mm)) for mm in scan.spacing_mm[1:]]
    return AxialScan(
        image=_blocks(scan.image, steps).mean(axis=(2, 4)),
        reconstruction=_blocks(scan.reconstruction, steps).mean(axis=(2, 4)),
        anomaly=_blocks(scan.anomaly, steps).mean(axis=(2, 4)),
        segmentation=np.asarray(_blocks(scan.segmentation, steps).any(axis=(2, 4))),
        brain=np.asarray(_blocks(scan.brain, steps).any(axis=(2, 4))),
        spacing_mm=(
            scan.spacing_mm[0],
            scan.spacing_mm[1] * steps[0],
            scan.spacing_mm[2] * steps[1],
        ),
        number=scan.number,
        height_mm=scan.height_mm,
    )


def _blocks(slices: np.ndarray, steps: Sequence[int]) -> np.ndarray:
    n_slices, rows, columns = slices.shape
    down, across = rows // steps[0], columns // steps[1]
    kept = slices[:, : down * steps[0], : across * steps[1]]
    return kept.reshape(n_slices, down, steps[0], across, steps[1])


def _lesion_table(lesions: Sequence[Lesion]) -> Html:
    if not lesions:
        return html.element("p", "No voxel lies in a component above the threshold.")
    rows = tuple(
        (
            str(number),
            f"{lesion.volume_ml:.3f}",
            _point(lesion.centre_mm),
            _point(lesion.centre_atlas_mm),
            f"{lesion.peak_score:.1f}",
            f"{lesion.mean_score:.1f}",
        )
        for number, lesion in enumerate(lesions[:MOST_LESIONS], start=1)
    )
    columns = (
        *("lesion", "volume (ml)", "centre in the scan (mm)", "centre in the atlas (mm)"),
        *("highest score", "mean score"),
    )
    n_more = len(lesions) - len(rows)
    notes = (f"{n_more} smaller lesions are in the TSV file.",) if n_more else ()
    return html.table(Table("Connected components, the largest first", columns, rows, notes))


def _point(centre_mm: tuple[float, float, float]) -> str:
    return ", ".join(f"{round(value)}" for value in centre_mm)  # never -0
