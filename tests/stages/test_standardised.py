"""A z-scored scan, 0 outside its brain, is segmented like the scan it was made from."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lesionless.data.scan import Scan, read_mask, read_scan
from lesionless.models.bundle import load
from lesionless.preprocess import intensity, strip
from lesionless.preprocess.pipeline import PrepareSettings, prepare_scan
from lesionless.preprocess.prepared import PreparedScan
from lesionless.stages.segmented import cut, map_prepared

DATA = os.environ.get("LESIONLESS_DATA")
real = pytest.mark.skipif(DATA is None, reason="LESIONLESS_DATA is not set: no real scans here")


@pytest.fixture(scope="module")
def stripped(cohort: Path) -> tuple[Scan, np.ndarray]:
    """The patient, 0 outside the brain, and its brain mask."""
    scan = read_scan(next(cohort.glob("sub-patient001/anat/*_FLAIR.nii.gz")))
    brain = read_mask(next(cohort.rglob("sub-patient001_desc-brain_mask.nii.gz")), scan)
    return replace(scan, image=np.where(brain, scan.image, 0).astype(np.float32)), brain


@pytest.fixture(scope="module")
def z_scored(stripped: tuple[Scan, np.ndarray]) -> Scan:
    scan, brain = stripped
    values = scan.image[brain]
    image = np.where(brain, (scan.image - values.mean()) / values.std(), 0)
    return replace(scan, image=image.astype(np.float32))


def prepared(scan: Scan) -> PreparedScan:
    settings = PrepareSettings(strip="none", curvature_iterations=0)
    return prepare_scan(scan, settings, subject="1", name="sub-1_FLAIR")


def lesion_ml(scan: PreparedScan) -> float:
    model = load("intensity")
    found = cut(model, map_prepared(model, scan), "fpr-1e-2").lesions
    return sum(lesion.volume_ml for lesion in found)


def test_a_z_scored_scan_gives_the_lesions_of_the_raw_one(
    stripped: tuple[Scan, np.ndarray], z_scored: Scan, caplog: pytest.LogCaptureFixture
) -> None:
    raw = prepared(stripped[0])
    assert "z-scored" not in caplog.text
    other = prepared(z_scored)
    assert "z-scored" in caplog.text and "z-scored" in other.record["messages"][0]
    both = raw.brain & other.brain
    assert both.sum() > 0.97 * raw.brain.sum()
    assert np.corrcoef(raw.image[both], other.image[both])[0, 1] > 0.99
    assert lesion_ml(other) == pytest.approx(lesion_ml(raw), rel=0.3)


def test_what_is_rebuilt_comes_back_in_the_units_of_the_z_scored_scan(z_scored: Scan) -> None:
    done = prepared(z_scored)
    tissue = done.offset + done.scale * 0.4
    assert z_scored.image[z_scored.image != 0].min() < done.offset < tissue
    assert tissue == pytest.approx(np.median(z_scored.image[z_scored.image != 0]), abs=0.25)


@real
@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("healthy-flair/sub-synthsr/anat/sub-synthsr_FLAIR.nii.gz", "deepbet"),
        ("lgg-flair/sub-DU5855/anat/sub-DU5855_FLAIR.nii.gz", "deepbet"),
        ("ms-tabriz/sub-105465/anat/sub-105465_FLAIR.nii.gz", "deepbet"),
        ("mslub-longitudinal/sub-01/ses-1/anat/sub-01_ses-1_FLAIR.nii.gz", "deepbet"),
        ("mslub-mni/sub-07/anat/sub-07_space-MNI152_desc-brain_FLAIR.nii.gz", "none"),
    ],
)
def test_real_scans_are_not_taken_for_standardised(path: str, method: str) -> None:
    scan = read_scan(Path(str(DATA)) / path)
    brain = strip.brain_mask(scan, method=method).mask
    assert not intensity.is_standardised(scan.image, brain)
    assert np.mean(scan.image[brain] < intensity.air_level(scan.image, brain)) < 0.01
