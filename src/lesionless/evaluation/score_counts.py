"""Counts of voxels by score, which add up over scans and shards."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64, UInt32

KEY_BITS = 26
"""Leading bits of a float32 that are kept: scores closer than 2**-17 of their size are ties."""

_CHUNK = 1 << 20
_SIGN = np.uint32(0x80000000)
_DROPPED = np.uint32(32 - KEY_BITS)
_BLOCK_BITS = np.uint32(12)
_N_BLOCKS = 1 << (KEY_BITS - 12)
_WITHIN = np.uint32((1 << 12) - 1)


@dataclass(frozen=True, eq=False)
class ScoreCounts:
    """Hold how many lesion and normal voxels have each score.

    The bins are fixed once and for all, by the leading bits of the float32 score, so that no range
    has to be known in advance and the counts of two shards are simply added.

    Attributes:
        keys: (bin) rising; larger keys are larger scores. Empty bins are left out.
        lesion: (bin) lesion voxels.
        normal: (bin) voxels that are not lesion.
    """

    keys: UInt32[np.ndarray, " bin"]
    lesion: Int64[np.ndarray, " bin"]
    normal: Int64[np.ndarray, " bin"]

    @property
    def n_lesion(self) -> int:
        """Return the number of lesion voxels."""
        return int(self.lesion.sum())

    @property
    def n_normal(self) -> int:
        """Return the number of voxels that are not lesion."""
        return int(self.normal.sum())

    def thresholds(self) -> Float32[np.ndarray, " bin"]:
        """Return, per bin, the threshold that this bin and all above it exceed."""
        bits = self.keys << _DROPPED
        is_positive = (bits & _SIGN) != 0
        lowest = np.where(is_positive, bits ^ _SIGN, ~bits).astype(np.uint32).view(np.float32)
        return np.asarray(np.nextafter(lowest, np.float32(-np.inf)))


def count_scores(
    score: Float[np.ndarray, " voxel"], lesion: Bool[np.ndarray, " voxel"]
) -> ScoreCounts:
    """Count voxels by score.

    Args:
        score: (voxel) finite anomaly score, higher is more anomalous; used as float32.
        lesion: (voxel) True where the reference says lesion.

    Example:
        >>> counts = count_scores(np.array([0.1, 0.9, 0.9]), np.array([False, True, False]))
        >>> counts.lesion.tolist(), counts.normal.tolist()
        ([0, 1], [1, 1])
    """
    score, lesion = np.ravel(score), np.ravel(lesion)
    if score.size == 0:
        return merge([])
    blocks = np.flatnonzero(_block_sizes(score)).astype(np.uint32)
    n_codes = 2 * int(blocks.size << _BLOCK_BITS)
    if n_codes > 8 * score.size:  # few voxels over many bins: sorting is faster than counting
        codes, numbers = np.unique(_codes(score, lesion, blocks), return_counts=True)
        return _from_codes(codes, numbers, blocks)
    total = np.zeros(n_codes, np.int64)
    step = max(_CHUNK, n_codes)
    for at in range(0, score.size, step):
        chunk = _codes(score[at : at + step], lesion[at : at + step], blocks)
        total += np.bincount(chunk, minlength=n_codes)
    codes = np.flatnonzero(total)
    return _from_codes(codes, total[codes], blocks)


def merge(parts: Iterable[ScoreCounts]) -> ScoreCounts:
    """Add up the counts of several scans or shards."""
    parts = list(parts)
    if not parts:
        empty = np.zeros(0, np.int64)
        return ScoreCounts(keys=empty.astype(np.uint32), lesion=empty, normal=empty)
    keys = np.concatenate([part.keys for part in parts])
    order = np.argsort(keys, kind="stable")
    return _add_equal(
        keys[order],
        np.concatenate([part.lesion for part in parts])[order],
        np.concatenate([part.normal for part in parts])[order],
    )


def coarsen(counts: ScoreCounts, *, bits: int) -> ScoreCounts:
    """Keep only the first `bits` of each key: a small summary for figures and resampling."""
    dropped = np.uint32(KEY_BITS - bits)
    return _add_equal((counts.keys >> dropped) << dropped, counts.lesion, counts.normal)


def align(
    parts: Sequence[ScoreCounts],
) -> tuple[ScoreCounts, Int64[np.ndarray, "part bin"], Int64[np.ndarray, "part bin"]]:
    """Put several counts on common bins.

    Returns:
        Their sum, and the lesion and the normal counts (part, bin) in the sum's bins.
    """
    total = merge(parts)
    lesion, normal = (np.zeros((len(parts), total.keys.size), np.int64) for _ in range(2))
    for row, part in enumerate(parts):
        at = np.searchsorted(total.keys, part.keys)
        lesion[row, at] = part.lesion
        normal[row, at] = part.normal
    return total, lesion, normal


def _keys(score: Float[np.ndarray, " voxel"]) -> UInt32[np.ndarray, " voxel"]:
    """Map float32 to integers in the same order, and drop the last bits."""
    plain = score.astype(np.float32) + np.float32(0)  # -0.0 becomes 0.0
    bits = plain.view(np.uint32)
    flip = (plain.view(np.int32) >> 31).view(np.uint32) | _SIGN
    return np.asarray((bits ^ flip) >> _DROPPED)


def _block_sizes(score: Float[np.ndarray, " voxel"]) -> Int64[np.ndarray, " block"]:
    """Count the voxels in each block of 4096 neighbouring keys; most blocks are empty."""
    sizes = np.zeros(_N_BLOCKS, np.int64)
    for at in range(0, score.size, _CHUNK):
        blocks = _keys(score[at : at + _CHUNK]) >> _BLOCK_BITS
        sizes += np.bincount(blocks, minlength=_N_BLOCKS)
    return sizes


def _codes(
    score: Float[np.ndarray, " voxel"],
    lesion: Bool[np.ndarray, " voxel"],
    blocks: UInt32[np.ndarray, " block"],
) -> UInt32[np.ndarray, " voxel"]:
    """Return twice the key, empty blocks left out, plus one for lesion.

    Args:
        score: (voxel).
        lesion: (voxel).
        blocks: (block) the blocks of keys that are not empty, rising.
    """
    rank = np.zeros(_N_BLOCKS, np.uint32)
    rank[blocks] = np.arange(blocks.size, dtype=np.uint32) << _BLOCK_BITS
    keys = _keys(score)
    codes = rank[keys >> _BLOCK_BITS]
    keys &= _WITHIN
    codes |= keys
    codes <<= np.uint32(1)
    codes |= lesion
    return codes


def _from_codes(
    codes: np.ndarray, numbers: np.ndarray, blocks: UInt32[np.ndarray, " block"]
) -> ScoreCounts:
    """Split the counts of codes into lesion and normal counts of keys."""
    is_lesion = codes % 2 == 1
    squeezed = (codes // 2).astype(np.uint32)
    within = squeezed & _WITHIN
    return _add_equal(
        (blocks[squeezed >> _BLOCK_BITS] << _BLOCK_BITS) | within,
        np.where(is_lesion, numbers, 0),
        np.where(is_lesion, 0, numbers),
    )


def _add_equal(keys: np.ndarray, lesion: np.ndarray, normal: np.ndarray) -> ScoreCounts:
    """Add the counts of equal keys; the keys are sorted."""
    if keys.size == 0:
        return ScoreCounts(keys=keys, lesion=lesion, normal=normal)
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return ScoreCounts(
        keys=keys[first],
        lesion=np.add.reduceat(lesion, first),
        normal=np.add.reduceat(normal, first),
    )
