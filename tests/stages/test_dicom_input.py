"""A DICOM series folder goes through prepare and segment like a NIfTI file."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from lesionless import store
from lesionless.data.scan import Scan, read_scan
from lesionless.models.bundle import load
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.stages.prepare import prepare
from lesionless.stages.segment import segment_scans

from .conftest import COARSE


@pytest.fixture(scope="module")
def scan(cohort: Path) -> Scan:
    return read_scan(next(cohort.glob("sub-healthy001/anat/*.nii.gz")))


@pytest.fixture(scope="module")
def series(scan: Scan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The phantom as one DICOM file per slice."""
    folder = tmp_path_factory.mktemp("dicom") / "Patient-7"
    folder.mkdir()
    step = scan.affine[:3, :3] * [[-1], [-1], [1]]  # DICOM counts to the left and the back
    origin = scan.affine[:3, 3] * [-1, -1, 1]
    frame = step / np.linalg.norm(step, axis=0)
    values = np.round(scan.image / scan.image.max() * 4000).astype(np.int16)
    for index in range(values.shape[2]):
        image = SimpleITK.GetImageFromArray(values[:, :, index].T[None])
        image.SetSpacing([*np.linalg.norm(step, axis=0)[:2].tolist(), 1.0])
        tags = {
            "0008|0060": "MR",
            "0020|000e": "1.2.3",
            "0020|0032": _text(origin + step[:, 2] * index),
            "0020|0037": _text(frame[:, :2].T.ravel()),
        }
        for tag, text in tags.items():
            image.SetMetaData(tag, text)
        writer = SimpleITK.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.SetFileName(str(folder / f"{index:03d}.dcm"))
        writer.Execute(image)
    return folder


def _text(numbers: np.ndarray) -> str:
    return "\\".join(f"{number:.6f}" for number in numbers)


def test_a_series_is_prepared_as_the_nifti_file_is(
    series: Path, scan: Scan, prepared: Path, tmp_path: Path
) -> None:
    run = prepare(series, tmp_path, COARSE, jobs=1)
    assert run.names("done") == ["sub-Patient7_FLAIR"]
    (found,) = store.scans(tmp_path)
    wanted = next(one for one in store.scans(prepared) if one.subject == "healthy001")
    assert found.image.shape == wanted.image.shape
    assert np.abs(found.image - wanted.image).mean() < 0.002
    assert (tmp_path / "quality.html").is_file()


def test_a_series_is_segmented_on_its_own_grid(series: Path, scan: Scan, tmp_path: Path) -> None:
    run = segment_scans(series, tmp_path, load("intensity"), PrepareSettings(strip="none"))
    assert run.names("done") == ["sub-Patient7_FLAIR"]
    brain = read_scan(next(tmp_path.rglob("*_desc-brain_mask.nii.gz")))
    assert brain.image.shape == scan.image.shape
    np.testing.assert_allclose(brain.affine, scan.affine, atol=1e-3)


def test_an_incomplete_series_is_named_and_left_out(series: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in sorted(series.iterdir()):
        if file.stem not in ("005", "006"):
            (broken / file.name).write_bytes(file.read_bytes())
    run = prepare(broken, tmp_path / "out", COARSE, jobs=1)
    assert run.failed == ["sub-broken_FLAIR"]
    assert "missing slice" in run.message("sub-broken_FLAIR")
