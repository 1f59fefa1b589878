"""Compiled loops of GloVe: counting which words stand near each other, and the steps of its optimizer."""

from __future__ import annotations

import numpy as np
from numba import int64, uint64

from fenlei._jit import compiled
from fenlei.features._types import F32, F64, I32, I64, U64

_MIX_1, _MIX_2 = uint64(0xBF58476D1CE4E5B9), uint64(0x94D049BB133111EB)  # splitmix64's last steps
_EMPTY, _ONE = uint64(0), uint64(1)


@compiled()
def count_pairs(
    ids: I32, bounds: I64, start: int, window: int, part: int, bits: int, keys: U64, sums: F64, used: int
) -> tuple[int, int]:
    """Add 1 / distance to each pair of words in one text, from token `start` on, until the table is half full.

    Only pairs of one `part` of ``2 ** bits`` are counted, so that several threads, or several passes, share the work.
    A pair is kept once, the smaller id first; a word beside itself counts from both sides.

    Returns
    -------
    next : int
        The token that has not been counted.
    used : int
        Pairs in the table.
    """
    text = np.searchsorted(bounds, start, side="right") - 1
    for i in range(start, len(ids)):
        while i >= bounds[text + 1]:
            text += 1
        if 2 * (used + window) > len(keys):
            return i, used
        for j in range(max(bounds[text], i - window), i):
            key = _key(ids[i], ids[j])
            h = _mix(key)
            if int64(h >> uint64(64 - bits)) != part:
                continue
            slot = _slot(keys, key, h)
            if keys[slot] == _EMPTY:
                keys[slot] = key
                used += 1
            sums[slot] += (2.0 if ids[i] == ids[j] else 1.0) / (i - j)
    return len(ids), used


@compiled()
def grown(keys: U64, sums: F64) -> tuple[U64, F64]:
    """Move everything to a table of four times the size."""
    wide, moved = np.zeros(4 * len(keys), np.uint64), np.zeros(4 * len(keys), np.float64)
    for k in range(len(keys)):
        if keys[k] != _EMPTY:
            slot = _slot(wide, keys[k], _mix(keys[k]))
            wide[slot], moved[slot] = keys[k], sums[k]
    return wide, moved


@compiled()
def pairs(keys: U64, sums: F64, used: int) -> tuple[I32, I32, F32]:
    """Take the table apart into smaller id, larger id and count; in the order of the table, which is a shuffled one."""
    rows, columns, counts = np.empty(used, np.int32), np.empty(used, np.int32), np.empty(used, np.float32)
    n = 0
    for k in range(len(keys)):
        if keys[k] != _EMPTY:
            key = keys[k] - _ONE
            rows[n], columns[n], counts[n] = int64(key >> uint64(32)), int64(key & uint64(0xFFFFFFFF)), sums[k]
            n += 1
    return rows, columns, counts


@compiled()
def _key(a: int, b: int) -> np.uint64:
    """Both ids in one number, never 0."""
    return uint64((uint64(min(a, b)) << uint64(32)) | uint64(max(a, b))) + _ONE


@compiled()
def _mix(key: np.uint64) -> np.uint64:
    key = uint64(uint64(key ^ (key >> uint64(30))) * _MIX_1)
    key = uint64(uint64(key ^ (key >> uint64(27))) * _MIX_2)
    return uint64(key ^ (key >> uint64(31)))


@compiled()
def _slot(keys: U64, key: np.uint64, h: np.uint64) -> int:
    """Where the key is, or where it may be put."""
    mask = uint64(len(keys) - 1)
    slot = int64(h & mask)
    while keys[slot] != _EMPTY and keys[slot] != key:
        slot = int64(uint64(slot + 1) & mask)
    return slot


@compiled(fastmath=True, error_model="numpy")
def train_pairs(
    rows: I32, columns: I32, logs: F32, weights: F32,
    words: F32, words_squares: F32, contexts: F32, contexts_squares: F32, rate: float,
) -> float:  # fmt: skip
    """Take a step of AdaGrad for each pair, and for the pair the other way round; returns the summed loss.

    `words` and `contexts` have the bias in their last column; `*_squares` are the sums of squared gradients.
    """
    loss = 0.0
    for k in range(len(rows)):
        i, j = rows[k], columns[k]
        loss += _step(
            words[i], words_squares[i], contexts[j], contexts_squares[j], logs[k], weights[k], np.float32(rate)
        )
        if i != j:
            loss += _step(
                words[j], words_squares[j], contexts[i], contexts_squares[i], logs[k], weights[k], np.float32(rate)
            )
    return loss


@compiled(fastmath=True, error_model="numpy")
def _step(
    word: F32, word_squares: F32, context: F32, context_squares: F32, log: float, weight: float, rate: float
) -> float:
    dim = len(word) - 1
    difference = word[dim] + context[dim] - log
    for k in range(dim):
        difference += word[k] * context[k]
    pull = weight * difference
    for k in range(dim):
        word_slope, context_slope = pull * context[k], pull * word[k]
        word[k] -= rate * word_slope / np.sqrt(word_squares[k])
        context[k] -= rate * context_slope / np.sqrt(context_squares[k])
        word_squares[k] += word_slope * word_slope
        context_squares[k] += context_slope * context_slope
    word[dim] -= rate * pull / np.sqrt(word_squares[dim])
    context[dim] -= rate * pull / np.sqrt(context_squares[dim])
    word_squares[dim] += pull * pull
    context_squares[dim] += pull * pull
    return 0.5 * pull * difference
