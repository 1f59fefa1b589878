"""Numba kernels of the near-duplicate search: MinHash band keys, exact Jaccard, and the two searches.

A shingle is three code points packed into one integer (21 bits each): equal integers are equal shingles, and
the Jaccard similarity computed here is exact; only the choice of candidates is random.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fenlei._jit import compiled

_MOST_CHECKS = 200  # exact comparisons per text: bounds the work on heaps of texts of one template
_MOST_STEPS = 5000  # candidates passed per text, most of them by their sketches: as much work again
_WORST = np.uint32(0xFFFFFFFF)


@compiled(inline="always")
def _mix(value: np.uint64) -> np.uint64:
    """Spread the bits of `value`: the finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled(inline="always")
def _shingle(codes: NDArray[np.uint32], at: int) -> np.uint64:
    """Three code points from `at` on, as one integer."""
    first, second = np.uint64(codes[at]) << np.uint64(42), np.uint64(codes[at + 1]) << np.uint64(21)
    return first | second | np.uint64(codes[at + 2])


@compiled()
def band_keys(
    codes: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    start: int,
    stop: int,
    multipliers: NDArray[np.uint32],
    increments: NDArray[np.uint32],
    keys: NDArray[np.uint64],
    sketches: NDArray[np.uint8],
) -> None:
    """Fill ``keys[band, i]`` and ``sketches[i]`` for the texts from `start` to `stop`.

    Equal keys mean equal MinHashes in the whole band; a sketch is the lowest byte of each MinHash.
    """
    bands, count = keys.shape[0], multipliers.shape[0]
    width = count // bands
    smallest = np.empty(count, dtype=np.uint32)
    for i in range(start, stop):
        smallest[:] = _WORST
        for at in range(offsets[i], offsets[i + 1] - 2):
            hashed = np.uint32(_mix(_shingle(codes, at)) >> np.uint64(32))
            for k in range(count):
                value = np.uint32(multipliers[k] * hashed + increments[k])
                smallest[k] = min(smallest[k], value)
        for band in range(bands):
            key = np.uint64(0)
            for k in range(band * width, (band + 1) * width):
                key = _mix((key ^ np.uint64(smallest[k])) + np.uint64(0x9E3779B97F4A7C15))
            keys[band, i] = key
        for k in range(count):
            sketches[i, k] = np.uint8(smallest[k] & np.uint32(255))


@compiled()
def _promising(left: NDArray[np.uint8], right: NDArray[np.uint8], enough: float) -> bool:
    """Whether at least `enough` MinHashes agree, judged by their lowest bytes (Li and König 2010)."""
    agreeing = 0
    for k in range(left.size):
        agreeing += left[k] == right[k]
    return agreeing >= enough


@compiled()
def _shingle_set(codes: NDArray[np.uint32], start: int, stop: int) -> NDArray[np.uint64]:
    """Sort the distinct shingles of one text."""
    found = np.empty(stop - start - 2, dtype=np.uint64)
    for at in range(start, stop - 2):
        found[at - start] = _shingle(codes, at)
    found.sort()
    size = 1
    for at in range(1, found.shape[0]):
        if found[at] != found[at - 1]:
            found[size] = found[at]
            size += 1
    return found[:size]


@compiled()
def _similar(left: NDArray[np.uint64], right: NDArray[np.uint64], near: float) -> bool:
    """Whether the Jaccard similarity of two sorted sets is at least `near`."""
    if min(left.size, right.size) < near * max(left.size, right.size) - 1e-9:
        return False  # even a subset of the larger set would fall short
    i, j, common = 0, 0, 0
    while i < left.size and j < right.size:
        if left[i] == right[j]:
            common += 1
            i += 1
            j += 1
        elif left[i] < right[j]:
            i += 1
        else:
            j += 1
    return common / (left.size + right.size - common) >= near


@compiled()
def find_leaders(
    codes: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    previous: NDArray[np.int64],
    sketches: NDArray[np.uint8],
    enough: float,
    near: float,
    leaders: NDArray[np.int64],
) -> None:
    """Set ``leaders[i]`` to the position in `rows` of the kept text that text i repeats, or to i itself.

    ``previous[band, i]`` is the position of the text before i with the same key, or -1. Texts found to repeat
    another are taken out of the chains as they are passed, so a thousand copies cost a thousand steps.
    """
    bands, count = previous.shape
    checked = np.full(count, -1, dtype=np.int64)
    for i in range(count):
        own, checks, steps = np.empty(0, dtype=np.uint64), 0, 0
        leaders[i] = i
        for band in range(bands):
            j = previous[band, i]
            while j >= 0 and leaders[j] != j:
                j = previous[band, j]
            previous[band, i] = j
            while j >= 0 and leaders[i] == i and checks < _MOST_CHECKS and steps < _MOST_STEPS:
                steps += 1
                fresh = checked[j] != i
                checked[j] = i
                if fresh and _promising(sketches[rows[i]], sketches[rows[j]], enough):
                    checks += 1
                    if own.size == 0:
                        own = _shingle_set(codes, offsets[rows[i]], offsets[rows[i] + 1])
                    if _similar(own, _shingle_set(codes, offsets[rows[j]], offsets[rows[j] + 1]), near):
                        leaders[i] = j
                j = previous[band, j]


@compiled()
def find_matches(
    codes: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    queries: NDArray[np.int64],
    candidates: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    sketches: NDArray[np.uint8],
    enough: float,
    near: float,
    start: int,
    stop: int,
    matches: NDArray[np.int64],
) -> None:
    """Set ``matches[i]`` to the first similar text among ``candidates[band, low:high]``, or to -1."""
    checked = np.full(sketches.shape[0], -1, dtype=np.int64)
    for i in range(start, stop):
        own, checks, steps = np.empty(0, dtype=np.uint64), 0, 0
        matches[i] = -1
        for band in range(candidates.shape[0]):
            for at in range(low[band, i], high[band, i]):
                if matches[i] >= 0 or checks >= _MOST_CHECKS or steps >= _MOST_STEPS:
                    break
                steps += 1
                other = candidates[band, at]
                fresh = checked[other] != i
                checked[other] = i
                if not fresh or not _promising(sketches[queries[i]], sketches[other], enough):
                    continue
                checks += 1
                if own.size == 0:
                    own = _shingle_set(codes, offsets[queries[i]], offsets[queries[i] + 1])
                if _similar(own, _shingle_set(codes, offsets[other], offsets[other + 1]), near):
                    matches[i] = other
