"""What the page of a scan shows and says."""

import os
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from lesionless.data.derivatives import read_sidecar
from lesionless.models import bundle as bundles
from lesionless.report.scan_page import ScanReport
from lesionless.stages import page
from lesionless.stages.segment import segment_scans

from .conftest import COARSE


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[ScanReport]:
    """What pages were asked to show."""
    reports: list[ScanReport] = []
    draw = page.scan_page
    monkeypatch.setattr(page, "scan_page", lambda report: reports.append(report) or draw(report))
    return reports


@pytest.fixture
def scan(cohort: Path) -> Path:
    return next(cohort.rglob("sub-patient001_FLAIR.nii.gz"))


@pytest.fixture
def darker(scan: Path, tmp_path: Path) -> Path:
    """The same scan with air far below 0."""
    nifti, path = nib.load(scan), tmp_path / "sub-darker_FLAIR.nii.gz"
    image = np.asarray(nifti.dataobj, np.float32)
    nib.save(nib.Nifti1Image(image - np.float32(5000), nifti.affine), path)
    return path


def test_the_level_of_the_air_does_not_matter(
    scan: Path, darker: Path, tmp_path: Path, shown: list[ScanReport]
) -> None:
    """Raw values may be negative; drawn from 0 on, such a scan would be black."""
    for number, source in enumerate((scan, darker)):
        segment_scans(source, tmp_path / f"out{number}", bundles.load("intensity"), COARSE)
    first, second = shown
    white = np.percentile(first.image[first.brain], 99)
    assert abs(np.median(second.image - first.image)) < 0.01 * white
    rebuilt, other = (report.reconstruction[report.brain] for report in shown)
    assert abs(np.median(other - rebuilt)) < 0.01 * white
    assert (second.reconstruction[~second.brain] == 0).all()


def test_maps_cut_anew_are_shown_like_new_ones(
    darker: Path, tmp_path: Path, shown: list[ScanReport]
) -> None:
    for folder, point in (("out", "fpr-1e-2"), ("out", "p98"), ("new", "p98")):
        model = bundles.load("intensity")
        segment_scans(darker, tmp_path / folder, model, COARSE, operating_point=point)
    _, again, new = shown
    for name in ("image", "reconstruction", "anomaly", "segmentation", "brain"):
        np.testing.assert_array_equal(getattr(again, name), getattr(new, name), name)
    assert again.quality == new.quality
    for found, expected in zip(again.lesions, new.lesions, strict=True):
        for name, value in vars(expected).items():
            assert getattr(found, name) == pytest.approx(value)


def test_methods_and_provenance_are_complete(
    scan: Path, tmp_path: Path, shown: list[ScanReport]
) -> None:
    segment_scans(scan, tmp_path, bundles.load("intensity"), COARSE)
    (report,) = shown
    assert (
        "stripped before, and its bias field was corrected (N4); it was aligned to MNI"
        in report.methods
    )
    assert "the model intensity" in report.methods
    assert f"(a score of {report.threshold:.2f})." in report.methods
    assert report.provenance["strip (setting)"] == "none"
    assert report.provenance["numpy (package)"]
    assert len(report.provenance["ModelSha256"]) == 64
    assert "sub-patient001_FLAIR.nii.gz, sha256" in report.provenance["scan"]
    assert not any(isinstance(value, dict) for value in report.provenance.values())


def test_a_file_name_that_is_no_text_does_no_harm(scan: Path, tmp_path: Path) -> None:
    source = tmp_path / os.fsdecode(b"caf\xe9.nii.gz")
    shutil.copy(scan, source)
    run = segment_scans(source, tmp_path / "out", bundles.load("intensity"), COARSE)
    assert run.names("done") == ["sub-caf_FLAIR"]
    sidecar = read_sidecar(next((tmp_path / "out").rglob("*anomaly_FLAIR.nii.gz")))
    assert sidecar["Sources"] == [source.name]
