"""Compiled loops from code points, or from tokens, to ids; and the counts that a vocabulary is made of."""

from __future__ import annotations

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from fenlei._jit import compiled
from fenlei.features._ngrams import _GAP, _TOKEN_SEED, Tokens, _grown, _mix, _roomier, _slot
from fenlei.features._types import I32, I64, U32, U64

WHITE = -1  # what the table of `char_ids` holds for white space
_UNKNOWN = 1


@compiled()
def token_ids(table: U64, tokens: Tokens, skipped: int) -> tuple[I32, I64]:
    """Look every token up, but leave the id `skipped` out.

    Returns the ids end to end, and the place of the first of each text.
    """
    ids, bounds = np.empty(len(tokens.hashes), np.int32), np.empty(len(tokens.bounds), np.int64)
    n = 0
    for text in range(len(tokens.bounds) - 1):
        bounds[text] = n
        for i in range(tokens.bounds[text], tokens.bounds[text + 1]):
            slot = _slot(table, max(tokens.hashes[i], uint64(1)))
            ids[n] = table[slot, 1] if table[slot, 0] != uint64(0) else uint64(_UNKNOWN)
            n += ids[n] != skipped
    bounds[len(tokens.bounds) - 1] = n
    return ids[:n].copy(), bounds


@compiled()
def char_ids(table: I32, codes: U32, offsets: I64, space: int, skipped: int) -> tuple[I32, I64]:
    """Look every code point up, but leave the id `skipped` out.

    A run of white space between others is one `space`, and nothing at either end.
    """
    ids, bounds = np.empty(len(codes), np.int32), np.empty(len(offsets), np.int64)
    n = 0
    for text in range(len(offsets) - 1):
        bounds[text] = n
        begun, gap = False, False
        for i in range(offsets[text], offsets[text + 1]):
            token = table[codes[i]]
            if token == WHITE:
                gap = begun
                continue
            begun = True
            if gap:
                ids[n] = space
                n += space != skipped
                gap = False
            ids[n] = token
            n += token != skipped
    bounds[len(offsets) - 1] = n
    return ids[:n].copy(), bounds


@compiled()
def count_chars(codes: U32, offsets: I64, fold: U32, white: NDArray[np.bool_]) -> I64:
    """Count each code point as `char_ids` will meet it; runs of white space are counted as U+0020."""
    counts = np.zeros(len(fold), np.int64)
    for text in range(len(offsets) - 1):
        begun, gap = False, False
        for i in range(offsets[text], offsets[text + 1]):
            if white[codes[i]]:
                gap = begun
                continue
            begun = True
            counts[32] += gap
            gap = False
            counts[fold[codes[i]]] += 1
    return counts


@compiled()
def count_tokens(tokens: Tokens) -> tuple[I64, U32, I32]:
    """Count each distinct token of a block.

    Returns the counts, the spellings end to end, and the length of each; a space beside an unspaced script is " ".
    """
    table = np.zeros((1 << 12, 2), np.uint64)
    counts, firsts = np.empty(1 << 11, np.int64), np.empty(1 << 11, np.int64)
    n = 0
    for i in range(len(tokens.hashes)):
        h = max(tokens.hashes[i], uint64(1))
        slot = _slot(table, h)
        if table[slot, 0] != uint64(0):
            counts[np.int64(table[slot, 1])] += 1
            continue
        table[slot, 0], table[slot, 1] = h, uint64(n)
        counts[n], firsts[n] = 1, i
        n += 1
        if 2 * n == len(table):
            table = _grown(table)
            counts, firsts = _roomier(counts, n), _roomier(firsts, n)
    spelled, lengths = _spell(tokens, firsts[:n])
    return counts[:n].copy(), spelled, lengths


@compiled()
def _spell(tokens: Tokens, chosen: I64) -> tuple[U32, I32]:
    lengths = np.empty(len(chosen), np.int32)
    for k, i in enumerate(chosen):
        lengths[k] = 1 if tokens.hashes[i] == _GAP else tokens.ends[i] - tokens.begins[i]
    spelled = np.empty(lengths.sum(), np.uint32)
    n = 0
    for k, i in enumerate(chosen):
        begin = tokens.begins[i]
        spelled[n : n + lengths[k]] = tokens.folded[begin : begin + lengths[k]]
        if tokens.hashes[i] == _GAP:
            spelled[n] = 32
        n += lengths[k]
    return spelled, lengths


@compiled()
def id_table(codes: U32, lengths: I64, first: int) -> U64:
    """Table from the hash of a token to its id: `first` for the token that is spelled first, and so on.

    The token " " goes by the hash of a space beside an unspaced script, too.
    """
    size = 16
    while size < 3 * len(lengths):
        size *= 2
    table = np.zeros((size, 2), np.uint64)
    place = 0
    for k, length in enumerate(lengths):
        h = _TOKEN_SEED
        for i in range(place, place + length):
            h = _mix(h, uint64(codes[i]))
        _enter(table, max(h, uint64(1)), first + k)
        if length == 1 and codes[place] == 32:
            _enter(table, _GAP, first + k)
        place += length
    return table


@compiled()
def _enter(table: U64, h: np.uint64, value: int) -> None:
    slot = _slot(table, h)
    table[slot, 0], table[slot, 1] = h, uint64(value)
