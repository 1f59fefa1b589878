"""Compiled loops from a word to the vector that its character n-grams make, bit for bit fastText's choice of them."""

from __future__ import annotations

import numpy as np
from numba import int8, int64, uint8, uint32
from numpy.typing import NDArray

from fenlei._jit import compiled

_OFFSET, _PRIME = uint32(2166136261), uint32(16777619)  # of the 32-bit FNV-1a hash
_MASK, _FOLLOWS = uint8(0xC0), uint8(0x80)  # bytes 10xxxxxx go on with a character


@compiled()
def compose(
    word: NDArray[np.uint8], bounds: NDArray[np.int64], min_n: int, max_n: int,
    buckets: NDArray[np.float32], vectors: NDArray[np.float32],
) -> NDArray[np.int64]:  # fmt: skip
    """Add to each row of `vectors` the buckets of a word's n-grams; returns how many each has.

    Word i is ``word[bounds[i]:bounds[i + 1]]``: UTF-8, with "<" before it and ">" behind it.
    """
    counts = np.zeros(len(bounds) - 1, np.int64)
    for i in range(len(bounds) - 1):
        begin, end = bounds[i], bounds[i + 1]
        for start in range(begin, end):
            if word[start] & _MASK == _FOLLOWS:
                continue
            h, at, n = _OFFSET, start, 1
            while at < end and n <= max_n:
                h, at = _one_character(word, at, end, h)
                if n >= min_n and not (n == 1 and (start == begin or at == end)):
                    bucket = int64(h % uint32(len(buckets)))
                    for k in range(vectors.shape[1]):
                        vectors[i, k] += buckets[bucket, k]
                    counts[i] += 1
                n += 1
    return counts


@compiled()
def _one_character(word: NDArray[np.uint8], at: int, end: int, h: np.uint32) -> tuple[np.uint32, int]:
    """Hash one character; as in fastText each byte counts as a signed one."""
    first = at
    while at < end and (at == first or word[at] & _MASK == _FOLLOWS):
        h = uint32(uint32(h ^ uint32(int8(word[at]))) * _PRIME)
        at += 1
    return h, at
