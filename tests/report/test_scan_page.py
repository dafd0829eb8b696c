"""The page of a scan: complete, light, the same every time, honest when nothing is found."""

from dataclasses import replace

import numpy as np
import pytest

from lesionless.report.axial import axial_scan
from lesionless.report.montage import (
    brain_white,
    detail_figure,
    overview_figure,
    score_range,
    tiled,
)
from lesionless.report.scan_page import MOST_LESIONS, ScanReport, scan_page
from lesionless.scoring.segment import Lesion, lesions, segment


@pytest.fixture(scope="module")
def report():
    generator = np.random.default_rng(0)
    shape = (32, 36, 12)
    i, j, k = np.indices(shape)
    brain = (i - 16) ** 2 / 144 + (j - 18) ** 2 / 200 + (k - 6) ** 2 / 25 < 1
    image = np.where(brain, 100 + generator.normal(0, 5, shape), 0)
    image[12:15, 14:17, 5:7] = 220
    anomaly = np.where(brain, np.abs(image - 100) / 10, 0)
    affine = np.diag([-1.0, 1.5, 3.0, 1.0])
    segmentation = segment(anomaly, threshold=4, min_voxels=2)
    return ScanReport(
        name="sub-1_FLAIR",
        image=image,
        reconstruction=np.where(brain, 100.0, 0),
        anomaly=anomaly,
        segmentation=segmentation,
        brain=brain,
        affine=affine,
        threshold=4.0,
        lesions=lesions(segmentation, anomaly, affine, np.eye(4)),
        model="sVAE-GAN",
        operating_point="fpr-1e-3",
        methods="Scans were <stripped>.",
        quality={"registration Dice": 0.96},
        warnings=["Coverage is doubtful & low."],
        provenance={"command": "lesionless segment a.nii.gz out"},
    )


@pytest.fixture(scope="module")
def page(report):
    return scan_page(report)


def test_everything_that_is_asked_for_is_there(report, page):
    for text in (
        *("sub-1_FLAIR", "sVAE-GAN", "fpr-1e-3", "4.00", "12.0", "0.96"),
        *("Coverage is doubtful &amp; low.", "Scans were &lt;stripped&gt;."),
        *("lesionless segment a.nii.gz out", "Research use only", 'type="range"'),
        f"{18 * 4.5 / 1000:.2f} ml",  # 18 voxels of 1 x 1.5 x 3 mm
    ):
        assert text in page, text


def test_failed_gates_head_the_page_and_passed_ones_do_not(report):
    quality = {"brain_ml": 400.0, "registration_dice": 0.95}
    page = scan_page(replace(report, quality=quality))
    head = page[page.index('<ul class="warnings">') : page.index('<dl class="figures">')]
    assert "brain volume in ml: 400, expected 800 to 2100; the mask leaves out brain" in head
    assert "Coverage is doubtful" in head
    assert "registration" not in head
    assert "registration_dice" in page


def test_it_needs_no_other_file_is_light_and_the_same_every_time(report, page):
    assert "http" not in page
    assert len(page.encode()) < 2_000_000
    assert scan_page(report) == page


def test_a_scan_without_a_finding_has_a_page_too(report):
    empty = replace(report, segmentation=np.zeros_like(report.segmentation), lesions=[])
    assert "No voxel lies in a component above the threshold." in scan_page(empty)
    silent = replace(empty, anomaly=np.zeros_like(report.anomaly))
    assert "0.0" in scan_page(silent)


def test_a_threshold_below_zero_still_gives_colours(report):
    scan = turned(report)
    assert score_range(scan, 4) == 8
    assert score_range(scan, -1) == report.anomaly.max()
    assert scan_page(replace(report, threshold=-1.0))


def test_the_table_ends_somewhere_and_says_so(report):
    one = Lesion(0.1, (1, 2, 3), (4, 5, 6), 9, 8)
    many = replace(report, lesions=[one] * (MOST_LESIONS + 7))
    assert "7 smaller lesions are in the TSV file." in scan_page(many)


def test_a_bright_scalp_does_not_darken_the_brain(report):
    scalp = np.where(report.brain, report.image, 5000.0)
    raw, stripped = turned(replace(report, image=scalp)), turned(report)
    assert brain_white(raw) == brain_white(stripped) < 300
    assert detail_figure(raw, threshold=4).axes[0].images[0].get_clim()[1] < 300


def turned(report):
    return axial_scan(
        report.image,
        report.reconstruction,
        report.anomaly,
        report.segmentation,
        brain=report.brain,
        affine=report.affine,
    )


def test_the_detail_shows_the_lesion_with_its_outline_and_the_threshold(report):
    figure = detail_figure(turned(report), threshold=4)
    *cells, bar = figure.axes
    assert [cell.get_title() for cell in cells[:4]] == [
        *("scan", "reconstruction", "anomaly score", "segmentation")
    ]
    assert [len(cell.collections[0].get_segments()) for cell in cells[3::4]] == [12]
    assert cells[0].get_aspect() == 1.5
    assert cells[2].images[0].get_clim() == (0, 8)
    assert [label.get_text() for label in bar.get_yticklabels()][2] == "4\nthreshold"


def test_the_overview_shows_the_slices_from_the_lowest_on(report):
    scan = turned(report)
    figure = overview_figure(scan, n_slices=6, n_columns=4)
    (axes,) = figure.axes
    places = {text.get_text(): text.get_position() for text in axes.texts}
    titles = [title for title in places if title.startswith("slice")]
    assert len(titles) == 6
    assert titles[0] == f"slice {scan.number[0]}"
    assert titles[-1] == f"slice {scan.number[-1]}"
    rows, columns = scan.image.shape[1:]
    assert places[titles[5]] == (columns + 2, rows + 2)  # second line, second of four
    assert axes.images[0].get_array().shape == (2 * rows, 4 * columns)


def test_slices_side_by_side_stay_what_they_are():
    slices = np.arange(3 * 2 * 2).reshape(3, 2, 2)
    np.testing.assert_array_equal(
        tiled(slices, n_columns=2), [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 0, 0], [10, 11, 0, 0]]
    )


def test_right_is_on_the_left_of_every_slice(report):
    scan = turned(report)
    (axes,) = overview_figure(scan, n_slices=6, n_columns=4).axes
    width = scan.image.shape[2]
    at = {
        letter: [t.get_position()[0] // width for t in axes.texts if t.get_text() == letter]
        for letter in "RL"
    }
    inside = [t.get_position()[0] % width for t in axes.texts if t.get_text() == "R"]
    assert at["R"] == at["L"] == [0, 1, 2, 3, 0, 1]
    assert max(inside) < width / 2
