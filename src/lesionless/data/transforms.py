"""Affine transforms as ITK text files, which ANTs, SimpleITK and Slicer read."""

from pathlib import Path

import numpy as np

from lesionless.arrays import Affine
from lesionless.errors import ScanError
from lesionless.provenance import write_text_whole

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_transform(path: Path, scan_to_atlas: Affine) -> None:
    """Write the transform that resamples a scan onto the atlas.

    As ITK wants it, the file maps points of the atlas to points of the scan, in LPS millimetres;
    `antsApplyTransforms -i scan -r atlas -t FILE` brings the scan to the atlas.

    Args:
        path: The text file.
        scan_to_atlas: From scan millimetres to atlas millimetres, RAS+.
    """
    atlas_to_scan = _RAS_TO_LPS @ np.linalg.inv(scan_to_atlas) @ _RAS_TO_LPS
    values = [*atlas_to_scan[:3, :3].ravel(), *atlas_to_scan[:3, 3]]
    lines = [
        "#Insight Transform File V1.0",
        "#Transform 0",
        "Transform: AffineTransform_double_3_3",
        "Parameters: " + " ".join(repr(float(value)) for value in values),
        "FixedParameters: 0 0 0",
    ]
    write_text_whole(path, "\n".join(lines) + "\n")


def read_transform(path: Path) -> Affine:
    """Read what `write_transform` wrote.

    Returns:
        (4, 4) from scan millimetres to atlas millimetres, RAS+.

    Raises:
        ScanError: The file is not there, or is not a transform of that kind.
    """
    atlas_to_scan = np.eye(4)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        (parameters,) = (line for line in lines if line.startswith("Parameters: "))
        values = np.array([float(value) for value in parameters.split()[1:]])
        atlas_to_scan[:3] = np.column_stack([values[:9].reshape(3, 3), values[9:].reshape(3)])
        return np.asarray(_RAS_TO_LPS @ np.linalg.inv(atlas_to_scan) @ _RAS_TO_LPS)
    except (OSError, ValueError) as error:  # LinAlgError is a ValueError
        raise ScanError(
            f"{path}: expected the transform from the scan to the atlas, found "
            f"{type(error).__name__}: {error}. Segment the scan again with --overwrite."
        ) from error
