"""Let a model say what is lesion in patients' scans without labels."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lesionless import store
from lesionless.arrays import Plane
from lesionless.errors import UsageError
from lesionless.models.bundle import Bundle
from lesionless.models.findings import Findings
from lesionless.models.sections import Sections, profiles
from lesionless.preprocess.prepared import PreparedScan
from lesionless.stages.apply import apply
from lesionless.stages.progress import Track, silent
from lesionless.stages.rebuild import Rebuild, rebuilder

UNSURE = "fpr-1e-2"  # from this operating point on, what is below the model's own may be lesion
LENT_SHARE = 0.5  # of synthetic lesions have the shape of one that was found


def find(folder: Path, bundle: Bundle, *, device: str = "cpu", track: Track = silent) -> Findings:
    """Return what a model finds in all scans of a store, in memory: 0.4 MB a slice of 256 x 256.

    Lesion is what scores above its operating point, be it ever so small. Reference lesions, where
    the store has some, play no part.

    Args:
        folder: A store.
        bundle: A model with thresholds.
        device: A torch device.
        track: Shows progress.

    Raises:
        UsageError: It has no threshold, or finds nothing, so that there is nothing to learn.
    """
    point = bundle.operating_point
    if not np.isfinite(bundle.thresholds[point]):
        raise UsageError(
            f"{bundle.name}: expected a threshold at its operating point {point}, found none that "
            "is finite. `lesionless calibrate` with more healthy scans, or another point, sets one."
        )
    rebuild = rebuilder(bundle.method, device=device)
    shown = track(store.scans(folder), label="find", total=len(store.paths(folder)))
    parts = [_found(bundle, scan, rebuild) for scan in shown]
    lent = [profile for part in parts for profile in _lent(part)]
    if not lent:
        raise UsageError(
            f"{folder}: expected scans in which {bundle.name} finds lesions, found none. Give "
            "scans of patients."
        )
    image, clean, lesion, unsure = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Findings(image, clean, lesion, unsure, Sections(lent, share=LENT_SHARE))


def _lent(part: tuple[np.ndarray, ...]) -> Iterator[Plane]:
    """Yield the profiles of all lesions that were found in a scan."""
    image, _, lesion, _ = part
    for plane, found in zip(image.astype(np.float32), lesion, strict=True):
        yield from profiles(plane, found)


@contextmanager
def learning_from(method: Any, findings: Findings | None) -> Iterator[None]:
    """Let a method learn from patients too while the context is open; None changes nothing.

    Raises:
        UsageError: It is none that can.
    """
    taught = [] if findings is None else learners(method)
    for learner in taught:
        learner.findings = findings
    try:
        yield
    finally:
        for learner in taught:
            learner.findings = None


def learners(method: Any) -> list[Any]:
    """Return the networks of a method, which must be able to learn from patients.

    Raises:
        UsageError: One cannot.
    """
    found = list(getattr(method, "members", [method]))
    if not all(hasattr(learner, "findings") for learner in found):
        raise UsageError(
            "Expected a restoration model to learn from patients' scans, found another. Start "
            "from restoration, or leave --patients out."
        )
    return found


def _found(bundle: Bundle, scan: PreparedScan, rebuild: Rebuild) -> tuple[np.ndarray, ...]:
    """Return a scan's slices with brain: image, clean image, lesion, unsure; half precision."""
    made = apply(bundle, scan, rebuild)
    lesion = scan.brain & (made.score > bundle.thresholds[bundle.operating_point])
    unsure = scan.brain & (made.score > bundle.thresholds[UNSURE]) & ~lesion
    clean = np.where(lesion, made.reconstruction, scan.image)
    kept = scan.brain.any(axis=(1, 2))
    images = (image[kept].astype(np.float16) for image in (scan.image, clean))
    return *images, lesion[kept], unsure[kept]
