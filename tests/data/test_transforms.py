from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from lesionless.data.transforms import read_transform, write_transform
from lesionless.errors import ScanError


def test_itk_reads_the_transform_and_maps_atlas_points_to_the_scan(tmp_path: Path) -> None:
    angle = 0.3
    scan_to_atlas = np.eye(4)
    scan_to_atlas[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    scan_to_atlas[:3, :3] *= 1.1
    scan_to_atlas[:3, 3] = [5, -12, 30]
    write_transform(tmp_path / "x_xfm.txt", scan_to_atlas)
    transform = sitk.ReadTransform(str(tmp_path / "x_xfm.txt"))
    scan_mm = np.array([10.0, 20.0, -7.0])
    atlas_mm = (scan_to_atlas @ [*scan_mm, 1])[:3]
    lps = np.array([-1, -1, 1])
    assert np.allclose(np.array(transform.TransformPoint(atlas_mm * lps)) * lps, scan_mm)


def test_a_transform_is_read_as_it_was_written(tmp_path: Path) -> None:
    scan_to_atlas = np.eye(4)
    scan_to_atlas[:3] += np.random.default_rng(0).normal(scale=0.2, size=(3, 4))
    write_transform(tmp_path / "x_xfm.txt", scan_to_atlas)
    np.testing.assert_allclose(read_transform(tmp_path / "x_xfm.txt"), scan_to_atlas, atol=1e-12)


@pytest.mark.parametrize("text", ["", "Parameters: 1 0 0", "Parameters: " + "0 " * 12, None])
def test_what_is_no_transform_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "x_xfm.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ScanError, match="transform"):
        read_transform(path)
