"""Reconstructions of prepared scans, kept on disk where they are dear."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool

from lesionless.arrays import Slices
from lesionless.preprocess.prepared import PreparedScan
from lesionless.runtime.engine import engine

Rebuild: TypeAlias = Callable[[PreparedScan, Bool[np.ndarray, " slice"]], Slices]
"""From a scan and the slices that are wanted to its reconstruction, 0 in all other slices."""


def rebuilder(method: Any, *, device: str = "cpu", cache: Path | None = None) -> Rebuild:
    """Return how a method rebuilds the slices of a scan.

    Args:
        method: A trained `Method`.
        device: A torch device.
        cache: Folder that keeps reconstructions of methods that search a code for each slice;
            those of the others are made again faster than they are read.
    """
    reconstruct = engine(method, device=device)

    def direct(scan: PreparedScan, wanted: np.ndarray) -> Slices:
        rebuilt = np.zeros_like(scan.image)
        rebuilt[wanted] = reconstruct(scan.image[wanted])
        return rebuilt

    if cache is None or not hasattr(method, "search"):
        return direct
    return _kept(direct, cache)


def _kept(direct: Rebuild, cache: Path) -> Rebuild:
    def rebuild(scan: PreparedScan, wanted: np.ndarray) -> Slices:
        path = cache / f"{scan.name}.npz"
        known = _read(path, scan)
        missing = wanted & ~known.any(axis=(1, 2))
        if missing.any():
            known = np.where(missing[:, None, None], direct(scan, missing), known)
            cache.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".partial-{path.name}")
            np.savez_compressed(partial, rebuilt=known, allow_pickle=False)
            partial.replace(path)
        return np.where(wanted[:, None, None], known, 0)

    return rebuild


def _read(path: Path, scan: PreparedScan) -> Slices:
    if not path.exists():
        return np.zeros_like(scan.image)
    with np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays["rebuilt"])
