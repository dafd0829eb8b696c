"""Skull strip: one mask of the brain, by the first method whose result is plausible."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from lesionless.arrays import Affine, Mask, Volume
from lesionless.data.scan import Scan
from lesionless.errors import StripError, UsageError
from lesionless.preprocess import quality
from lesionless.preprocess.clean import largest_filled
from lesionless.preprocess.strip_background import foreground_mask, has_constant_background
from lesionless.preprocess.strip_command import (
    COMMANDS,
    check_installed,
    command_mask,
    program_of,
)
from lesionless.preprocess.strip_network import deepbet_mask

logger = logging.getLogger(__name__)

HOPELESS_ML = 100.0
"""Brain volume below which a mask is an error, not a doubtful result."""

# a head is at least 1.4 times its brain in every axial slice; a stripped scan hugs the brain
STRIPPED_RATIO = 1.25

Method = Callable[..., Mask]


def _foreground(image: Volume, affine: Affine, *, threads: int, device: str) -> Mask:
    return foreground_mask(image)


METHODS: dict[str, Method] = {
    "deepbet": deepbet_mask,
    "hd-bet": partial(command_mask, "hd-bet"),
    "synthstrip": partial(command_mask, "synthstrip"),
    "robex": partial(command_mask, "robex"),
    "none": _foreground,
}
"""Every method that makes a mask from a scan; a user's mask goes by the name `mask`."""


@dataclass(frozen=True, eq=False)
class Stripped:
    """Hold the brain mask of one scan.

    Attributes:
        mask: (i, j, k) brain mask on the scan's own grid: one component without holes.
        method: The method that made it, which may differ from the one asked for.
        figures: Figures for `quality.judge`, by name.
        record: What was tried, with the reason for each change of method. JSON values only.
    """

    mask: Mask
    method: str
    figures: Mapping[str, float] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Attempt:
    """Hold what one method gave; the mask is empty where it failed, and `problems` says why."""

    method: str
    mask: Mask
    figures: Mapping[str, float]
    problems: list[str]

    @property
    def volume_ml(self) -> float:
        return self.figures.get("brain_ml", 0.0)


def brain_mask(
    scan: Scan,
    *,
    method: str = "deepbet",
    mask: Mask | None = None,
    threads: int = 1,
    device: str = "cpu",
) -> Stripped:
    """Find the brain in a scan.

    A mask that fails the gates of `quality` sends the scan to the next method that is installed;
    the best of all attempts goes on, with a warning where it still fails. A scan that turns out to
    be skull-stripped already is taken as it is. With `none` and with a given mask the user has
    decided, and no other method is tried.

    Args:
        scan: The scan, of any orientation.
        method: A name in `METHODS`, or `mask` for the given one.
        mask: (i, j, k) the user's brain mask; where given, it is used whatever the method.
        threads: CPU threads that the method may use.
        device: Torch device for methods that are networks.

    Returns:
        The mask with the method that made it.

    Raises:
        StripError: No method found more than `HOPELESS_ML` of brain.
        UsageError: The method is not known or not installed, or it is `mask` and none was given.
    """
    if mask is not None:
        return _conclude(scan, "mask", [_judged("mask", mask, scan)])
    check_method(method)
    attempts = [_attempt(scan, method, threads=threads, device=device)]
    if method != "none" and has_constant_background(scan.image):
        attempts = _with_foreground(scan, attempts[0])
    for name in _alternatives(method):
        if not attempts[-1].problems:
            break
        attempts.append(_attempt(scan, name, threads=threads, device=device))
    return _conclude(scan, method, attempts)


def check_method(method: str) -> None:
    """Refuse a method that brains cannot be found with here.

    Raises:
        UsageError: It is not known or not installed, or it is `mask`.
    """
    if method == "mask":
        raise UsageError("Expected a brain mask with `--strip mask`, found none. Give `--mask`.")
    if method not in METHODS:
        raise UsageError(
            f"Expected a strip method among {', '.join([*METHODS, 'mask'])}, found {method!r}."
        )
    if method in COMMANDS:
        check_installed(method)


def _alternatives(method: str) -> list[str]:
    """Return the installed methods to try after `method`, the quick and accurate ones first."""
    if method == "none":
        return []
    installed = ["deepbet", *(name for name in COMMANDS if program_of(name))]
    return [name for name in installed if name != method]


def _attempt(scan: Scan, name: str, *, threads: int, device: str) -> _Attempt:
    try:
        raw = METHODS[name](scan.image, scan.affine, threads=threads, device=device)
    except StripError as error:
        nothing = np.zeros(scan.image.shape, dtype=bool)
        return _Attempt(name, nothing, {}, [str(error)])
    return _judged(name, raw, scan)


def _judged(name: str, raw: Mask, scan: Scan) -> _Attempt:
    cleaned = largest_filled(raw)
    figures = quality.mask_figures(raw, cleaned, scan.affine)
    return _Attempt(name, cleaned, figures, quality.mask_failures(figures))


def _with_foreground(scan: Scan, attempt: _Attempt) -> list[_Attempt]:
    """Add the attempt `none`, if what differs from the background is no more than a brain."""
    foreground = _judged("none", foreground_mask(scan.image), scan)
    hugs = foreground.volume_ml <= STRIPPED_RATIO * attempt.volume_ml
    if foreground.problems or not (hugs or attempt.volume_ml < HOPELESS_ML):
        return [attempt]
    reason = "the scan is skull-stripped already: a constant background reaches up to the brain"
    return [replace(attempt, problems=[*attempt.problems, reason]), foreground]


def _because(problems: Sequence[str]) -> str:
    return f" ({', '.join(problems)})" if problems else ""


def _conclude(scan: Scan, asked: str, attempts: list[_Attempt]) -> Stripped:
    usable = [attempt for attempt in attempts if attempt.volume_ml >= HOPELESS_ML]
    if not usable:
        tried = "; ".join(
            f"{attempt.method}: {attempt.volume_ml:.0f} ml{_because(attempt.problems)}"
            for attempt in attempts
        )
        raise StripError(
            f"{scan.path}: expected a brain, found none ({tried}). "
            "Try another `--strip`, or give a brain mask with `--mask`."
        )
    best = min(usable, key=lambda attempt: len(attempt.problems))
    _warn(scan.path.name, asked, best, attempts[0])
    return Stripped(best.mask, best.method, best.figures, _record(asked, best, attempts))


def _warn(name: str, asked: str, best: _Attempt, first: _Attempt) -> None:
    if best.method != asked:
        reason = first.problems[-1]
        logger.warning("%s: brain mask by %s, not %s: %s", name, best.method, asked, reason)
    for problem in best.problems:
        logger.warning("%s: doubtful brain mask by %s: %s", name, best.method, problem)


def _record(asked: str, best: _Attempt, attempts: list[_Attempt]) -> dict[str, Any]:
    return {
        "asked": asked,
        "method": best.method,
        "passed": not best.problems,
        "attempts": [
            {"method": a.method, "figures": dict(a.figures), "problems": list(a.problems)}
            for a in attempts
        ],
    }
