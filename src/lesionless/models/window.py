"""The part of a slice that can hold brain: networks need not look at the rest."""

# Share of the rows and columns of a 256 mm slice that can hold brain, once leaks of the mask are
# cut off 10 mm beyond the atlas brain
BRAIN_SHARE = (13 / 16, 11 / 16)


def brain_window(size: int, *, multiple: int) -> tuple[slice, slice]:
    """Return the rows and columns in the middle of a slice that can hold brain.

    Args:
        size: Rows (= columns) of the slice, which shows 256 mm.
        multiple: What the lengths of the window must be a multiple of, within the slice.

    >>> brain_window(256, multiple=16)
    (slice(24, 232, None), slice(40, 216, None))
    """
    rows, columns = (_covering(share * size, multiple, size) for share in BRAIN_SHARE)
    return _middle(rows, size), _middle(columns, size)


def _covering(length: float, multiple: int, most: int) -> int:
    """Return the smallest multiple that covers a length, within the slice.

    >>> _covering(0.8125 * 256, 16, 256), _covering(0.6875 * 128, 16, 128)
    (208, 96)
    """
    return min(int(-(-length // multiple)) * multiple, most)


def _middle(length: int, size: int) -> slice:
    start = (size - length) // 2
    return slice(start, start + length)
