import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from lesionless.evaluation.score_counts import align, coarsen, count_scores, merge


def scores_and_lesion(n, seed=0, sign=1.0):
    rng = np.random.default_rng(seed)
    lesion = rng.random(n) < 0.03
    score = rng.normal(size=n).astype(np.float32) * np.float32(sign) + 2 * lesion
    return score.astype(np.float32), lesion


def assert_same(first, second):
    np.testing.assert_array_equal(first.keys, second.keys)
    np.testing.assert_array_equal(first.lesion, second.lesion)
    np.testing.assert_array_equal(first.normal, second.normal)


def test_counts_every_voxel_once():
    score, lesion = scores_and_lesion(5000)
    counts = count_scores(score, lesion)
    assert counts.n_lesion == lesion.sum()
    assert counts.n_normal == (~lesion).sum()


@given(
    npst.arrays(
        np.float32,
        st.integers(1, 40),
        elements=st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False),
    )
)
def test_thresholds_separate_the_bins_in_the_order_of_the_scores(score):
    counts = count_scores(score, np.zeros(score.size, bool))
    thresholds = counts.thresholds()
    assert np.all(np.diff(thresholds) > 0)
    above = [np.count_nonzero(score > at) for at in thresholds]
    np.testing.assert_array_equal(above, np.cumsum(counts.normal[::-1])[::-1])


def test_negative_zero_is_zero():
    counts = count_scores(np.array([0.0, -0.0], np.float32), np.array([True, False]))
    assert counts.keys.size == 1


@pytest.mark.parametrize("n_parts", [1, 2, 7])
def test_merged_shards_equal_the_whole(n_parts):
    score, lesion = scores_and_lesion(10_001)
    shards = zip(np.array_split(score, n_parts), np.array_split(lesion, n_parts), strict=True)
    assert_same(merge(count_scores(*shard) for shard in shards), count_scores(score, lesion))


def test_counting_and_sorting_agree(monkeypatch):
    # many voxels in a narrow range are counted, a few of them are sorted
    rng = np.random.default_rng(0)
    score = rng.uniform(1, 1.5, 20_000).astype(np.float32)
    lesion = rng.random(score.size) < 0.1
    sorted_sizes = []
    unique = np.unique

    def watched(codes, **options):
        sorted_sizes.append(codes.size)
        return unique(codes, **options)

    monkeypatch.setattr(np, "unique", watched)
    counted = count_scores(score, lesion)
    assert sorted_sizes == []
    shards = zip(np.array_split(score, 10), np.array_split(lesion, 10), strict=True)
    assert_same(merge([count_scores(*shard) for shard in shards]), counted)
    assert sorted_sizes == [2000] * 10


def test_merging_nothing_gives_no_bins():
    assert merge([]).n_lesion == 0
    counts = count_scores(*scores_and_lesion(10))
    assert_same(merge([merge([]), counts]), counts)


def test_coarse_counts_keep_the_totals_and_the_thresholds_meaning():
    score, lesion = scores_and_lesion(5000)
    coarse = coarsen(count_scores(score, lesion), bits=14)
    assert coarse.keys.size < 1000
    at = coarse.keys.size // 2
    assert coarse.lesion[at:].sum() == np.count_nonzero(score[lesion] > coarse.thresholds()[at])


def test_aligned_counts_add_up():
    parts = [count_scores(*scores_and_lesion(300, seed=seed)) for seed in range(3)]
    total, lesion, normal = align(parts)
    assert_same(total, merge(parts))
    np.testing.assert_array_equal(lesion.sum(axis=0), total.lesion)
    np.testing.assert_array_equal(normal.sum(axis=1), [part.n_normal for part in parts])


@pytest.mark.slow
def test_fifty_million_voxels_take_seconds():
    rng = np.random.default_rng(0)
    score = rng.standard_normal(50_000_000, dtype=np.float32)
    lesion = score[::-1] > 2
    start = time.process_time()
    counts = count_scores(score, lesion)
    assert time.process_time() - start < 10  # about 1 s on an idle core
    assert counts.n_lesion == lesion.sum()
