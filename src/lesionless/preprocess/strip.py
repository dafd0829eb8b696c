"""Skull strip: one mask of the brain, by the first method whose result is plausible."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from lesionless.arrays import Mask
from lesionless.data.scan import Scan
from lesionless.errors import StripError, UsageError
from lesionless.preprocess.strip_background import foreground_mask
from lesionless.preprocess.strip_network import deepbet_mask

logger = logging.getLogger(__name__)

HOPELESS_ML = 100.0
"""Brain volume below which a mask is an error, not a doubtful result."""


@dataclass(frozen=True, eq=False)
class Stripped:
    """Hold the brain mask of one scan.

    Attributes:
        mask: (i, j, k) brain mask on the scan's own grid: one component without holes.
        method: The method that made it, which may differ from the one asked for.
        record: What was tried, with the reason for each change of method. JSON values only.
    """

    mask: Mask
    method: str
    record: Mapping[str, Any] = field(default_factory=dict)


def _deepbet(scan: Scan, *, threads: int, device: str) -> Mask:
    return deepbet_mask(scan.image, scan.affine, threads=threads, device=device)


def _none(scan: Scan, *, threads: int, device: str) -> Mask:
    return foreground_mask(scan.image)


METHODS: dict[str, Callable[..., Mask]] = {"deepbet": _deepbet, "none": _none}
"""Every method that makes a mask from a scan; `mask` (the user's) is given, not made."""


def brain_mask(
    scan: Scan,
    *,
    method: str = "deepbet",
    mask: Mask | None = None,
    threads: int = 1,
    device: str = "cpu",
) -> Stripped:
    """Find the brain in a scan.

    Args:
        scan: The scan, of any orientation.
        method: A name in `METHODS`, or `mask` for the given one.
        mask: (i, j, k) the user's brain mask; where given, it is used whatever the method.
        threads: CPU threads that the method may use.
        device: Torch device for methods that are networks.

    Returns:
        The mask with the method that made it.

    Raises:
        StripError: No method found a brain.
        UsageError: The method is not known, or it is `mask` and none was given.
    """
    if mask is None:
        _check_name(method)
        mask = METHODS[method](scan, threads=threads, device=device)
    else:
        method = "mask"
    cleaned = clean(mask)
    volume_ml = float(cleaned.sum() * abs(np.linalg.det(scan.affine[:3, :3])) / 1000)
    if volume_ml < HOPELESS_ML:
        raise StripError(
            f"{scan.path}: expected a brain, found {volume_ml:.0f} ml by method {method}. "
            "Try another `--strip`, or give a brain mask with `--mask`."
        )
    record = {"method": method, "attempts": [{"method": method, "volume_ml": volume_ml}]}
    return Stripped(mask=cleaned, method=method, record=record)


def clean(mask: Mask) -> Mask:
    """Keep the largest component of a mask and fill its holes."""
    labels, n_components = ndimage.label(mask)
    if n_components > 1:
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        mask = labels == sizes.argmax()
    return np.asarray(ndimage.binary_fill_holes(mask), dtype=bool)


def _check_name(method: str) -> None:
    if method == "mask":
        raise UsageError("Expected a brain mask with `--strip mask`, found none. Give `--mask`.")
    if method not in METHODS:
        raise UsageError(
            f"Expected a strip method among {', '.join([*METHODS, 'mask'])}, found {method!r}."
        )
