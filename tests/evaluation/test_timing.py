import itertools

import numpy as np
import pytest

from lesionless.errors import UsageError
from lesionless.evaluation.timing import time_per_slice

HOW = {"engine": "torch", "device": "cpu, 1 thread"}


def test_the_median_pass_without_the_first_is_reported():
    seen = []
    ticks = itertools.chain.from_iterable([(0, 5), (10, 20), (30, 31)])
    found = time_per_slice(
        lambda batch: seen.append(len(batch)),
        np.zeros((10, 4, 4), np.float32),
        batch_size=4,
        repeats=3,
        clock=lambda: float(next(ticks)),
        **HOW,
    )
    assert seen == [4, 4, 2] * 4
    assert (found.seconds_per_slice, found.fastest, found.slowest) == (0.5, 0.1, 1.0)
    assert (found.batch_size, found.n_slices, found.repeats) == (4, 10, 3)


def test_too_few_slices_are_refused():
    with pytest.raises(UsageError, match="found 3 slices, batch size 4"):
        time_per_slice(lambda batch: batch, np.zeros((3, 4, 4)), batch_size=4, repeats=1, **HOW)
