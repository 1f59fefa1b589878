"""Compiled loop from the n-grams of a text to their columns."""

from __future__ import annotations

import numpy as np
from numba import uint64

from fenlei._jit import compiled
from fenlei.features._ngrams import _slot
from fenlei.features._types import I64, U64


@compiled()
def find_columns(table: U64, n_columns: int, ngrams: U64) -> I64:
    """Look up the column of each n-gram's hash, as `fenlei.features._ngrams.count_rows` does; -1 where it has none."""
    columns = np.empty(len(ngrams), np.int64)
    mask = uint64(n_columns - 1)
    for i in range(len(ngrams)):
        h = max(ngrams[i], uint64(1))
        if len(table) == 0:
            columns[i] = np.int64((h >> uint64(20)) & mask)
            continue
        slot = _slot(table, h)
        columns[i] = np.int64(table[slot, 1]) if table[slot, 0] != uint64(0) else -1
    return columns
