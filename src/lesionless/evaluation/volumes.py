"""Segmented and reference volume of each scan, the mean over training runs."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from lesionless.evaluation.results import Row

VOLUMES = ("segmentation_ml", "lesion_ml")


def scan_volumes(
    rows: Iterable[Row],
) -> dict[tuple[str, str, str], Float[np.ndarray, "scan 2"]]:
    """Return both volumes of each scan with a known reference, in ml.

    Training runs are averaged first: the runs of a scan are no further scans.

    Args:
        rows: The tidy table of an evaluation.

    Returns:
        (scan, 2): segmented and reference volume, by method, region and operating point.
    """
    runs: dict[tuple[str, str, str], dict[str, list[list[float]]]] = {}
    for row in rows:
        if set(VOLUMES) <= row.values.keys():  # tissues have no lesions of their own
            scans = runs.setdefault((row.method, row.region, row.operating_point), {})
            scans.setdefault(row.name, []).append([row.values[name] for name in VOLUMES])
    return {
        key: np.array([np.mean(volumes, axis=0) for volumes in scans.values()])
        for key, scans in runs.items()
    }
