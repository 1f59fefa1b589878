"""Compiled loop that hides words; what it draws depends on keys, so that a resumed training hides the same ones."""

from __future__ import annotations

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from fenlei._jit import compiled
from fenlei.features._types import I32, I64, U64
from fenlei.layers._dropout import mix

_FIELDS = 2**16  # what a share is counted in


@compiled(inline="always")
def _draw(base: np.uint64, counter: int) -> np.uint64:
    return mix(base + uint64(counter) * uint64(0xD1342543DE82EF95))


@compiled()
def hide(
    ids: I32, starts: NDArray[np.bool_], fixed: NDArray[np.bool_], fillers: I32, keys: U64, share: float, mask: int,
    out: I64, places: I64,
) -> int:  # fmt: skip
    """Hide a share of the words of each sequence, at least one; return how many tokens that are.

    Of a sequence with n words those ``round(share * n)`` are hidden that drew the smallest numbers. Of their tokens 8
    in 10 become `mask`, 1 in 10 one of `fillers`, the rest stay.

    Parameters
    ----------
    ids : array of int32, shape (n, length)
    starts : array of bool, shape (n, length)
        Whether a word begins with the token.
    fixed : array of bool, shape (vocabulary,)
        Tokens that stay, such as those around a text.
    fillers : array of int32
        What may stand for a hidden token.
    keys : array of uint64, shape (n,)
    share : float
    mask : int
    out : array of int64, shape (n, length)
        Gets the tokens with some hidden.
    places : array of int64, shape (n * length,)
        Gets the places of the hidden ones in the flat `ids`.
    """
    length = ids.shape[1]
    words = np.empty(length, np.int64)
    drawn = np.empty(length, np.uint64)
    found = 0
    for row in range(len(ids)):
        base = mix(keys[row] * uint64(0x9E3779B97F4A7C15) ^ uint64(0x6A09E667F3BCC909))
        n_words = 0
        inside = False
        for i in range(length):
            out[row, i] = ids[row, i]
            words[i] = -1
            if fixed[ids[row, i]]:
                inside = False
                continue
            if starts[row, i] or not inside:
                drawn[n_words] = _draw(base, n_words)
                n_words += 1
                inside = True
            words[i] = n_words - 1
        if n_words == 0:
            continue
        wanted = max(1, int(share * n_words + 0.5))
        limit = np.sort(drawn[:n_words])[wanted - 1]
        for i in range(length):
            if words[i] < 0 or drawn[words[i]] > limit:
                continue
            places[found] = row * length + i
            found += 1
            bits = _draw(base, length + i)
            chance = (bits & uint64(_FIELDS - 1)) * uint64(10)
            if chance < uint64(8 * _FIELDS):
                out[row, i] = mask
            elif chance < uint64(9 * _FIELDS):
                out[row, i] = fillers[int((bits >> uint64(16)) % uint64(len(fillers)))]
    return found
