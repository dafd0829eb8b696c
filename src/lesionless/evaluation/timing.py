"""Seconds per slice, measured so that two methods can be compared."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lesionless.arrays import Slices
from lesionless.errors import UsageError


@dataclass(frozen=True)
class Timing:
    """Hold how long a method takes, and how that was measured.

    Attributes:
        seconds_per_slice: Median over the repeats.
        fastest: Fastest repeat, seconds per slice.
        slowest: Slowest repeat, seconds per slice.
        batch_size: Slices that are handed over at a time.
        n_slices: Slices of one repeat.
        repeats: Measured passes over all slices, after one that was not measured.
        engine: What computes, for example `torch` or `onnxruntime`.
        device: Where, for example `cpu, 2 threads`.
    """

    seconds_per_slice: float
    fastest: float
    slowest: float
    batch_size: int
    n_slices: int
    repeats: int
    engine: str
    device: str


def time_per_slice(
    reconstruct: Callable[[Slices], Any],
    slices: Slices,
    *,
    batch_size: int,
    repeats: int,
    engine: str,
    device: str,
    clock: Callable[[], float] = time.perf_counter,
) -> Timing:
    """Time the reconstruction of slices; one pass before the clock starts warms everything up.

    Args:
        reconstruct: The method; it returns when the result is there.
        slices: (slice, row, column) input in [0, 1]; at least one batch.
        batch_size: Slices that are handed over at a time.
        repeats: Measured passes.
        engine: What computes, for the record.
        device: Where, for the record.
        clock: Returns seconds.

    Raises:
        UsageError: There is less than one batch, or no repeat.

    Source: Baur et al. 2018, Table 1: reconstruction time per sample, without filter and threshold.
    """
    if not 1 <= batch_size <= len(slices) or repeats < 1:
        raise UsageError(
            f"Expected at least one batch of slices and one repeat, found {len(slices)} slices, "
            f"batch size {batch_size} and {repeats} repeats."
        )
    batches = [slices[at : at + batch_size] for at in range(0, len(slices), batch_size)]
    _pass(reconstruct, batches)
    passes = []
    for _ in range(repeats):
        start = clock()
        _pass(reconstruct, batches)
        passes.append((clock() - start) / len(slices))
    return Timing(
        seconds_per_slice=float(np.median(passes)),
        fastest=min(passes),
        slowest=max(passes),
        batch_size=batch_size,
        n_slices=len(slices),
        repeats=repeats,
        engine=engine,
        device=device,
    )


def _pass(reconstruct: Callable[[Slices], Any], batches: Sequence[Slices]) -> None:
    for batch in batches:
        reconstruct(batch)
