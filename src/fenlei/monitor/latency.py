"""Latencies counted in narrow buckets, from which percentiles are read: exact to a few per cent, in little memory.

The buckets are those of a number of two digits: 0.01 ms wide below 1 ms, then a tenth of the power of ten below the
value, so that a bucket is never wider than 10 % of what is in it. Inside a bucket values are taken to be spread evenly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_SCALE = 1000  # microseconds in the unit that is told
_FIRST, _DECADES = 1_000, 7  # microseconds below which buckets are 10 wide; powers of ten after that
_WIDTH, _PER_DECADE = 10, 90

DECADES: tuple[tuple[int, int, int], ...] = (
    (_FIRST, _WIDTH, 0),
    *(
        (_FIRST * 10 ** (step + 1), _FIRST * 10**step // 10, _FIRST // _WIDTH + _PER_DECADE * step)
        for step in range(_DECADES)
    ),
)
"""Of each range of microseconds its end, the width of its buckets, and the number of its first bucket."""


def bucket(microseconds: int) -> int:
    """Give the bucket of a latency; the database computes the same.

    Examples
    --------
    >>> bucket(0), bucket(999), bucket(1000), bucket(12_345), bucket(10**15)
    (0, 99, 100, 192, 729)
    """
    start = 0
    for end, width, first in DECADES:
        if microseconds < end:
            return first + (max(microseconds, 0) - start) // width
        start = end
    return _last()


def percentiles(counts: Mapping[int, int], wanted: Sequence[float]) -> list[float | None]:
    """Read percentiles from counts of buckets.

    Parameters
    ----------
    counts : mapping of int to int
        Latencies in each bucket.
    wanted : sequence of float
        In (0, 100].

    Returns
    -------
    list of float or None
        Milliseconds; None without latencies.

    Examples
    --------
    >>> percentiles({bucket(2000): 50, bucket(9000): 50}, [50, 99])
    [2.1, 9.098]
    """
    total = sum(counts.values())
    return [_percentile(counts, total * share / 100) if total else None for share in wanted]


def _percentile(counts: Mapping[int, int], rank: float) -> float:
    passed = 0
    for number, count in sorted(counts.items()):
        if passed + count >= rank:
            start, width = _range(number)
            return (start + width * (rank - passed) / count) / _SCALE
        passed += count
    start, width = _range(max(counts))
    return (start + width) / _SCALE


def _range(number: int) -> tuple[int, int]:
    """Start and width of a bucket in microseconds."""
    start = 0
    for end, width, first in DECADES:
        if number < first + (end - start) // width:
            return start + (number - first) * width, width
        start = end
    return _last_range()


def _last() -> int:
    end, width, first = DECADES[-1]
    return first + (end - DECADES[-2][0]) // width - 1


def _last_range() -> tuple[int, int]:
    end, width, _ = DECADES[-1]
    return end - width, width
