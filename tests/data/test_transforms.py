from pathlib import Path

import numpy as np
import SimpleITK as sitk

from lesionless.data.transforms import write_transform


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
