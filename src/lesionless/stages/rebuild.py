"""Reconstructions of prepared scans, kept on disk where they are dear."""

from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jaxtyping import Bool

from lesionless.arrays import Slices
from lesionless.models.bundle import DESCRIPTION, WEIGHTS
from lesionless.preprocess.prepared import PreparedScan
from lesionless.provenance import whole
from lesionless.runtime.engine import engine


class Rebuild(Protocol):
    """From a scan and the slices that are wanted to its reconstruction, 0 in all other slices."""

    def __call__(
        self, scan: PreparedScan, wanted: Bool[np.ndarray, " slice"], *, glance: bool = False
    ) -> Slices:
        """Return (slice, row, column), made at a glance if the method has one, see `Method`."""
        ...


def rebuilder(method: Any, *, device: str = "cpu", cache: Path | None = None) -> Rebuild:
    """Return how a method rebuilds the slices of a scan.

    Args:
        method: A trained `Method`.
        device: A torch device.
        cache: Folder that keeps reconstructions of methods that search a code for each slice, see
            `cache_of`; those of the others are made again faster than they are read.
    """
    reconstruct = engine(method, device=device)

    def direct(scan: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        rebuilt = np.zeros_like(scan.image)
        rebuilt[wanted] = reconstruct(scan.image[wanted], glance=glance)
        return rebuilt

    if cache is None or not hasattr(method, "search"):
        return direct
    return _kept(direct, cache)


def cache_of(out: Path, model: Path) -> Path:
    """Return the folder that keeps what a model rebuilds: another one for each training of it.

    Args:
        out: The experiment's folder.
        model: The model's folder; two of one name, or one that is trained anew, share nothing.
    """
    files = [path for path in (model / DESCRIPTION, model / WEIGHTS) if path.exists()]
    content = blake2b(b"".join(path.read_bytes() for path in files), digest_size=8)
    return out / "rebuilt" / f"{model.name}-{content.hexdigest()}"


def remembered(direct: Rebuild) -> Rebuild:
    """Return the same with all that it rebuilds kept in memory, to be scored in many ways."""
    known: dict[tuple[str, bytes, bool], Slices] = {}

    def rebuild(scan: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        key = _content(scan), wanted.tobytes(), glance
        if key not in known:
            known[key] = direct(scan, wanted, glance=glance)[wanted]
        rebuilt = np.zeros_like(scan.image)
        rebuilt[wanted] = known[key]
        return rebuilt

    return rebuild


def _content(scan: PreparedScan) -> str:
    """Return a digest of a scan's slices, which are all that a reconstruction depends on.

    The name of a scan would not do: another cohort may have the same, and so has the scan itself
    when it is prepared anew.
    """
    digest = blake2b(repr(scan.image.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(scan.image).data)
    return digest.hexdigest()


def _kept(direct: Rebuild, cache: Path) -> Rebuild:
    """Keep what a method that searches makes on disk; such methods have no glance."""

    def rebuild(scan: PreparedScan, wanted: np.ndarray, *, glance: bool = False) -> Slices:
        path = cache / f"{scan.name}-{_content(scan)}.npz"
        known = _read(path, scan)
        missing = wanted & ~known.any(axis=(1, 2))
        if missing.any():
            known = np.where(missing[:, None, None], direct(scan, missing), known)
            with whole(path) as partial:
                np.savez_compressed(partial, rebuilt=known, allow_pickle=False)
        return np.where(wanted[:, None, None], known, 0)

    return rebuild


def _read(path: Path, scan: PreparedScan) -> Slices:
    if not path.exists():
        return np.zeros_like(scan.image)
    with np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays["rebuilt"])
