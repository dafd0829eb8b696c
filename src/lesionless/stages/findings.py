"""Let a model say what is lesion in patients' scans without labels."""

from collections.abc import Iterator, Sequence
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
from lesionless.preprocess.planes import turns
from lesionless.preprocess.prepared import PreparedScan
from lesionless.stages.apply import apply
from lesionless.stages.rebuild import Rebuild, rebuilder

UNSURE = "fpr-1e-2"  # from this operating point on, what is below the model's own may be lesion
LENT_SHARE = 0.5  # of synthetic lesions have the shape of one that was found


def find(folder: Path, bundle: Bundle, *, turned_every: int = 0, device: str = "cpu") -> Findings:
    """Return what a model finds in all scans of a store, in memory: 0.4 MB a slice of 256 x 256.

    Lesion is what scores above its operating point, be it ever so small. Reference lesions, where
    the store has some, play no part.

    Args:
        folder: A store.
        bundle: A model with thresholds.
        turned_every: Every n-th coronal and sagittal slice is added, of scans whose voxels are
            cubes, see `turns`; 0 for none. What was found lends its shape in axial slices alone.
        device: A torch device.

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
    axial, turned = [], []
    for scan in store.scans(folder):
        found = _found(bundle, scan, rebuild)
        axial.append(_with_brain(found))
        for turn in turns(scan) if turned_every else ():
            seen = _with_brain([turn.there(volume) for volume in found])
            turned.append([part[::turned_every] for part in seen])
    lent = [profile for part in axial for profile in _lent(part)]
    if not lent:
        raise UsageError(
            f"{folder}: expected scans in which {bundle.name} finds lesions, found none. Give "
            "scans of patients."
        )
    parts = zip(*axial, *turned, strict=True)
    image, clean, lesion, unsure = (np.concatenate(part) for part in parts)
    return Findings(image, clean, lesion, unsure, Sections(lent, share=LENT_SHARE))


def _lent(part: Sequence[np.ndarray]) -> Iterator[Plane]:
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


def _found(bundle: Bundle, scan: PreparedScan, rebuild: Rebuild) -> list[np.ndarray]:
    """Return a scan's image, clean image, lesion and what is unsure; images in half precision."""
    made = apply(bundle, scan, rebuild)
    lesion = scan.brain & (made.score > bundle.thresholds[bundle.operating_point])
    unsure = scan.brain & (made.score > bundle.thresholds[UNSURE]) & ~lesion
    clean = np.where(lesion, made.reconstruction, scan.image)
    return [scan.image.astype(np.float16), clean.astype(np.float16), lesion, unsure]


def _with_brain(found: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the slices in which the image, which comes first, shows brain."""
    shows_brain = found[0].any(axis=(1, 2))
    return [part[shows_brain] for part in found]
