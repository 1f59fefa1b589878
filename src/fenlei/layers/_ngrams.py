"""Compiled loops from token ids to hashed n-grams, and from words to the hashed n-grams of their characters."""

from __future__ import annotations

import numpy as np
from numba import uint64

from fenlei._jit import compiled
from fenlei.features._types import F32, I32, I64, U32

_BOUNDARY = uint64(0x110000)  # stands before and after a word; no code point


@compiled(inline="always")
def _mix(h: np.uint64, value: np.uint64) -> np.uint64:
    h = (h ^ value) * uint64(0x9E3779B97F4A7C15)
    return h ^ (h >> uint64(32))


@compiled()
def hashed_ngrams(ids: I32, lengths: I64, first_bucket: int, buckets: int, most: int) -> I32:
    """Give the tokens of each text and after them its n-grams of 2 to `most` tokens; 0 beyond the end.

    An n-gram is a number from `first_bucket` on, below ``first_bucket + buckets``, by a multiplicative hash of its ids.
    """
    longest = max(1, lengths.max()) if len(lengths) else 1
    out = np.zeros((len(ids), longest * most), np.int32)
    for text in range(len(ids)):
        n = lengths[text]
        out[text, :n] = ids[text, :n]
        place = n
        for size in range(2, most + 1):
            for i in range(n - size + 1):
                h = uint64(size)
                for token in ids[text, i : i + size]:
                    h = _mix(h, uint64(token))
                out[text, place] = first_bucket + np.int64(h % uint64(buckets))
                place += 1
    return out


@compiled()
def word_parts(codes: U32, offsets: I64, is_word: I32, low: int, high: int, buckets: int) -> tuple[I32, I64]:
    """Give the buckets of the character n-grams of each word, boundaries counted as characters; none of other tokens.

    Returns
    -------
    parts : (n_parts,)
        Buckets, those of token i at ``parts[bounds[i]:bounds[i + 1]]``.
    bounds : (n_tokens + 1,)
    """
    bounds = np.zeros(len(offsets), np.int64)
    parts = np.empty((len(codes) + 2 * len(offsets)) * (high - low + 1), np.int32)
    n = 0
    for token in range(len(offsets) - 1):
        first, last = offsets[token] - 1, offsets[token + 1]
        if is_word[token]:
            for i in range(first, last + 1):
                h = uint64(7)
                for j in range(i, min(i + high, last + 1)):
                    h = _mix(h, _BOUNDARY if j in (first, last) else uint64(codes[j]))
                    if j - i + 1 >= low:
                        parts[n] = np.int64(h % uint64(buckets))
                        n += 1
        bounds[token + 1] = n
    return parts[:n].copy(), bounds


@compiled()
def count_texts(ids: I32, classes: I32, seen: I32, first_text: int, counts: F32) -> None:
    """Add to ``counts[id, class]`` in how many texts of each class an id stands.

    Parameters
    ----------
    ids : (n_texts, longest), 0 where there is nothing
    classes : (n_texts, n_classes), 1 where a text has the class
    seen : (n_ids,)
        The last text that each id was met in, counted from 1; 0 at first.
    first_text : number of the first text
    """
    for text in range(len(ids)):
        for token in ids[text]:
            if token != 0 and seen[token] != first_text + text + 1:
                seen[token] = first_text + text + 1
                for k in range(counts.shape[1]):
                    counts[token, k] += classes[text, k]
