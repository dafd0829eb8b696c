"""The quality page: what it says, in which order, and that it stands alone."""

import base64
import csv
import io
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from matplotlib.image import imread

from lesionless import store
from lesionless.errors import UsageError
from lesionless.preprocess.atlas import Atlas
from lesionless.preprocess.prepared import Geometry, PreparedScan
from lesionless.report import quality
from lesionless.report.quality_figure import quality_figure
from lesionless.report.slice_axes import outline
from lesionless.report.style import REFERENCE, SEGMENTATION

N_SLICES, MATRIX = 12, 32
PIXEL_MM, SLICE_MM = 8.0, 12.0


def ball(shape, radius_mm, spacing_mm) -> np.ndarray:
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    centre = (np.array(shape) - 1) / 2
    return np.linalg.norm((grid - centre) * spacing_mm, axis=-1) <= radius_mm


def index_to_atlas() -> np.ndarray:
    middle = (MATRIX - 1) / 2 * PIXEL_MM
    return np.array(
        [
            [0, 0, -PIXEL_MM, middle],
            [0, -PIXEL_MM, 0, middle],
            [SLICE_MM, 0, 0, -(N_SLICES - 1) / 2 * SLICE_MM],
            [0, 0, 0, 1],
        ]
    )


def scan_affine() -> np.ndarray:
    affine = np.diag([PIXEL_MM, PIXEL_MM, SLICE_MM, 1])
    affine[:3, 3] = -np.array([MATRIX - 1, MATRIX - 1, N_SLICES - 1]) / 2 * np.diag(affine)[:3]
    return affine


def prepared_scan(name: str, *, dice: float, strip=None) -> PreparedScan:
    rng = np.random.default_rng(5)
    shape = (N_SLICES, MATRIX, MATRIX)
    brain = ball(shape, 66, (SLICE_MM, PIXEL_MM, PIXEL_MM))
    default = {"method": "deepbet", "attempts": [attempt("deepbet", brain_ml=1200.0)]}
    return PreparedScan(
        name=name,
        subject="1",
        image=np.where(brain, rng.uniform(0.3, 0.5, shape), 0).astype(np.float32),
        brain=brain,
        lesion=None,
        scan_brain=brain.transpose(2, 1, 0)[::-1, ::-1],
        geometry=Geometry(
            scan_shape=(MATRIX, MATRIX, N_SLICES),
            scan_affine=scan_affine(),
            index_to_scan=np.linalg.inv(scan_affine()) @ index_to_atlas(),
            index_to_atlas=index_to_atlas(),
            atlas="Ball",
        ),
        offset=0.0,
        scale=1.0,
        quality={"registration_dice": dice},
        record={"strip": strip or default},
    )


def attempt(method, problems=(), **figures):
    return {"method": method, "figures": figures, "problems": list(problems)}


def ball_atlas() -> Atlas:
    mask = ball((40, 40, 40), 66, (5, 5, 5))
    affine = np.diag([5.0, 5, 5, 1])
    affine[:3, 3] = -19.5 * 5
    return Atlas("Ball", mask.astype(np.float32), mask, affine)


@pytest.fixture(autouse=True)
def atlas(monkeypatch):
    monkeypatch.setattr(quality, "load_atlas", lambda space: ball_atlas())


@pytest.fixture
def folder(tmp_path) -> Path:
    """A store of a good scan, a flagged one, and one whose strip method was changed."""
    replaced = {
        "method": "robex",
        "attempts": [
            attempt("deepbet", ["brain volume in ml: 260, <too small>"], brain_ml=260.0),
            attempt("robex", brain_ml=1300.0),
        ],
    }
    store.save(tmp_path / "store", prepared_scan("sub-1_run-1_FLAIR", dice=0.97))
    store.save(tmp_path / "store", prepared_scan("sub-1_run-2_FLAIR", dice=0.6))
    changed = prepared_scan("sub-1_run-3_FLAIR", dice=0.92, strip=replaced)
    store.save(tmp_path / "store", changed)
    return tmp_path / "store"


def scan_file(tmp_path) -> Path:
    image = prepared_scan("x", dice=1).image.transpose(2, 1, 0)[::-1, ::-1] * 500
    nib.save(nib.Nifti1Image(image + 20, scan_affine()), tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


def pictures(html: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    return [imread(io.BytesIO(base64.b64decode(text)), format="jpeg") for text in found]


def test_the_page_lists_the_worst_scan_first(folder, tmp_path):
    quality.write_quality_page(folder, tmp_path / "quality.html")
    html = (tmp_path / "quality.html").read_text(encoding="utf-8")
    assert re.findall(r'<section id="sub-1-run-(\d)-flair"', html) == ["2", "3", "1"]
    assert "3 scans are prepared, 1 of them" in html
    assert re.findall(r'<a href="#sub-1-run-(\d)-flair"', html) == ["2", "3", "1"]
    assert re.findall(r"<td>(0\.\d+)(, failed|)</td>", html.replace("\N{NO-BREAK SPACE}", " ")) == [
        ("0.6", ", failed"),
        ("0.92", ""),
        ("0.97", ""),
    ]
    failed = html[html.index("0.6, expected") - 200 : html.index("0.6, expected")]
    assert '<ul class="warnings">' in failed
    assert "Dice of the brain mask with the atlas brain: 0.6, expected 0.9 to 1; " in html


def test_the_page_says_why_a_method_was_changed(folder, tmp_path):
    quality.write_quality_page(folder, tmp_path / "quality.html")
    html = (tmp_path / "quality.html").read_text(encoding="utf-8")
    assert "brain mask by robex" in html
    assert "deepbet was not taken: brain volume in ml: 260, &lt;too small&gt;" in html
    assert "brain volume in ml: 1300, expected" in html


def test_scans_that_failed_are_named(folder, tmp_path):
    page = tmp_path / "quality.html"
    quality.write_quality_page(folder, page, failed={"sub-9_FLAIR": "not a <NIfTI> file"})
    assert "sub-9_FLAIR: not a &lt;NIfTI&gt; file" in page.read_text(encoding="utf-8")
    assert (
        (tmp_path / "quality.tsv")
        .read_text(encoding="utf-8")
        .splitlines()[1]
        .startswith("sub-9_FLAIR\tfailed")
    )


def test_the_page_needs_no_other_file_and_is_light(folder, tmp_path):
    page = tmp_path / "quality.html"
    images = {"sub-1_run-1_FLAIR": scan_file(tmp_path)}
    quality.write_quality_page(folder, page, images=images)
    html = page.read_text(encoding="utf-8")
    assert not re.search(r"https?://|<script|<link|src=\"(?!data:)", html)
    assert [picture.shape[1] for picture in pictures(html)] == [1200] * 3
    assert page.stat().st_size < 3 * 200_000


def test_the_same_store_gives_the_same_bytes(folder, tmp_path):
    quality.write_quality_page(folder, tmp_path / "a.html")
    quality.write_quality_page(folder, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_scan_that_cannot_be_read_again_is_said_and_the_rest_drawn(folder, tmp_path):
    images = {"sub-1_run-1_FLAIR": tmp_path / "gone.nii.gz"}
    quality.write_quality_page(folder, tmp_path / "quality.html", images=images)
    html = (tmp_path / "quality.html").read_text(encoding="utf-8")
    assert "gone.nii.gz: expected a readable NIfTI file" in html
    assert len(pictures(html)) == 3


def test_the_table_holds_every_figure(folder, tmp_path):
    quality.write_quality_page(folder, tmp_path / "quality.html")
    with (tmp_path / "quality.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["scan"][6:11] for row in rows] == ["run-2", "run-3", "run-1"]
    assert [row["status"] for row in rows] == ["flagged", "passed", "passed"]
    assert [row["strip_method"] for row in rows] == ["deepbet", "robex", "deepbet"]
    assert float(rows[0]["registration_dice"]) == 0.6
    assert float(rows[1]["brain_ml"]) == 1300
    assert float(rows[0]["strain"]) == pytest.approx(4)  # 0.4 from the ideal, 0.1 allowed
    assert rows[1]["problems"] == "n/a"


def test_a_folder_without_prepared_scans_is_a_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="expected prepared scans"):
        quality.write_quality_page(tmp_path, tmp_path / "quality.html")


def drawn(axes) -> tuple[np.ndarray, list]:
    (image,) = axes.get_images()
    return np.asarray(image.get_array()), axes.collections[0].get_segments()


def lines_of(mask, colour, axes) -> list:
    outline(axes, mask, colour)
    return axes.collections[-1].get_segments()


def test_the_outlines_lie_where_mask_and_atlas_are(tmp_path):
    prepared = prepared_scan("x", dice=1)
    scan = quality.read_scan(scan_file(tmp_path))
    figure = quality_figure(prepared, scan, ball_atlas())
    axes = np.array(figure.axes).reshape(2, 6)
    middle = round((N_SLICES - 1) / 2 - 0.05 * 10)  # the second level, 0.45 of the height
    image, segments = drawn(axes[0, 1])
    np.testing.assert_allclose(image, prepared.image[middle] * 500, atol=1e-3)
    np.testing.assert_array_equal(
        segments, lines_of(prepared.brain[middle], SEGMENTATION, axes[0, 1])
    )
    image, segments = drawn(axes[1, 0])
    np.testing.assert_array_equal(image, prepared.image[middle])
    atlas_slice = ball((N_SLICES, MATRIX, MATRIX), 66, (SLICE_MM, PIXEL_MM, PIXEL_MM))[middle]
    expected = lines_of(atlas_slice, REFERENCE, axes[1, 0])
    assert len(segments) == pytest.approx(len(expected), abs=8)


def test_a_scan_out_of_reach_leaves_its_row_empty():
    figure = quality_figure(prepared_scan("x", dice=1), None, ball_atlas())
    axes = np.array(figure.axes).reshape(2, 6)
    assert not any(panel.get_images() for panel in axes[0])
    assert all(panel.get_images() for panel in axes[1, :4])


def test_the_histogram_of_whole_numbers_is_no_comb(tmp_path):
    whole = np.rint(nib.load(scan_file(tmp_path)).get_fdata())
    nib.save(nib.Nifti1Image(whole.astype(np.int16), scan_affine()), tmp_path / "whole.nii")
    scan = quality.read_scan(tmp_path / "whole.nii")
    figure = quality_figure(prepared_scan("x", dice=1), scan, ball_atlas())
    before = np.array(figure.axes).reshape(2, 6)[1, 4]
    edges = np.array([bar.get_x() for bar in before.patches])
    np.testing.assert_allclose(edges % 1, 0.5)
