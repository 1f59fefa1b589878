r"""Compiled loops of a folded convolution: rows of a table are looked up, added and pooled; nothing is multiplied.

The table of one width holds, for each token and tap, the products with a block of filters. The products of a place are
the sum of `width` rows, or of twice as many where a place holds two tokens. Token 0 is padding and its products are 0,
so places that stick out of a text need no code of their own.

What makes it fast, measured on titles of 18 tokens under 256 filters of width 3, on one busy core:

- All rows of a place are added in one loop, whose sums live in registers: 12 ms for 10,000 titles. With a loop over the
  taps inside, the compiler does not vectorize: 105 ms. With rows given as places in one flat array, neither: 48 ms.
- A function call and its array views cost as much as the work of one place, so the loop over places is inside the
  innermost function; called once a place, the same loops took 48 ms.
- Filters in blocks of 128, all texts under one block before the next: the rows of frequent tokens stay in the core's
  cache. Blocks of 32 take 17 ms, most of it around the loops; 256 take 15 ms, waiting for memory.
- 8-bit products are added as 16-bit integers, twice as many at once: 6 ms.
- The linear layer behind is a loop of our own: a BLAS that splits a product over threads leaves them spinning, on the
  very cores that look up the next texts, and the whole took twice the time.
- 16-bit floats gain nothing here: 13 ms widened by the processor's own instruction, 21 ms by shifts. They are widened
  once, when a model is loaded.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fenlei._jit import compiled
from fenlei.features._types import F32, I32, I64

Table: TypeAlias = NDArray[Any]  # float32, or int8 with sums of int16


@compiled()
def pool_max(
    table: Table, width: int, ids: I32, bounds: I64, stride: int, scale: F32, bias: F32, relu: bool,
    least: float, best: Table, out: F32,
) -> None:  # fmt: skip
    """Keep the largest sum of each filter over the places of a text; then only scale, shift and cut it.

    Parameters
    ----------
    table : (n_tokens * width, n_filters), of float32 or int8
        Row ``token * width + tap``.
    ids : (n_channels, n_ids)
        Tokens of all texts, end to end; a place has one in each channel.
    bounds : (n_texts + 1,)
        Text i is ``ids[:, bounds[i]:bounds[i + 1]]``.
    stride : int
        Steps between places, counted from the first that touches the text.
    scale, bias : (n_filters,)
        What turns a sum into what is activated.
    relu : bool
        Whether what is below 0 becomes 0.
    least : float
        What no sum is below.
    best : (n_filters,), of float32 or int16
        Room for sums.
    out : (n_texts, n_filters)
    """
    c = len(ids)
    rows, sums = _room(bounds, width, c), np.empty_like(best)
    floor = np.float32(0 if relu else -np.inf)
    for text in range(len(bounds) - 1):
        end, step = _lay_out(ids, bounds[text], bounds[text + 1], width, rows) * c, stride * c
        best[:] = least
        if width * c == 1:
            _max_of_one(table, rows, end, step, best)
        elif width * c == 2:
            _max_of_two(table, rows, end, step, width - 1, best)
        elif width * c == 3:
            _max_of_three(table, rows, end, step, best)
        elif width * c == 4:
            _max_of_four(table, rows, end, step, c, best)
        else:
            _max_of_many(table, rows, end, step, width * c, c, sums, best)
        value = out[text]
        for f in range(len(best)):
            x = best[f] * scale[f] + bias[f]
            value[f] = x if x > floor else floor


@compiled()
def pool_average(
    table: Table, width: int, ids: I32, bounds: I64, stride: int, scale: F32, bias: F32, tanh: bool, out: F32
) -> None:
    """Average each filter's activations; the arguments as of `pool_max`."""
    c = len(ids)
    rows, value = _room(bounds, width, c), np.empty(table.shape[1], np.float32)
    for text in range(len(bounds) - 1):
        n = _lay_out(ids, bounds[text], bounds[text + 1], width, rows)
        out[text] = 0
        for place in range(0, n, stride):
            _activate(table, rows[place * c : (place + width) * c], c, scale, bias, tanh, value)
            out[text] += value
        out[text] /= np.float32((n - 1) // stride + 1)


@compiled()
def pool_largest(
    table: Table, width: int, ids: I32, bounds: I64, stride: int, scale: F32, bias: F32, tanh: bool, k: int, out: F32
) -> None:
    """Keep each filter's `k` largest activations in the order of their places, the earlier of equals; 0 for none.

    `out` is (n_texts, n_filters * k), the values of a filter side by side.
    """
    c = len(ids)
    rows, value = _room(bounds, width, c), np.empty(table.shape[1], np.float32)
    for text in range(len(bounds) - 1):
        n = _lay_out(ids, bounds[text], bounds[text + 1], width, rows)
        out[text] = 0
        kept = 0
        for place in range(0, n, stride):
            _activate(table, rows[place * c : (place + width) * c], c, scale, bias, tanh, value)
            for f in range(len(value)):
                _keep(out[text, f * k : (f + 1) * k], kept, value[f])
            kept = min(kept + 1, k)


@compiled(fastmath={"reassoc", "contract"})
def add_products(pooled: F32, weight: F32, out: F32) -> None:
    """Add ``pooled @ weight.T`` to `out`; sums may be taken in any order, without which they are not vectorized."""
    for text in range(len(pooled)):
        for k in range(len(weight)):
            s = np.float32(0)
            for f in range(pooled.shape[1]):
                s += pooled[text, f] * weight[k, f]
            out[text, k] += s


@compiled()
def _room(bounds: I64, width: int, n_channels: int) -> I64:
    """Make room for the tokens of the longest text with padding on both sides."""
    longest = 1
    for text in range(len(bounds) - 1):
        longest = max(longest, bounds[text + 1] - bounds[text])
    return np.empty((longest + 2 * (width - 1)) * n_channels, np.int64)


@compiled()
def _lay_out(ids: I32, begin: int, end: int, width: int, rows: I64) -> int:
    """Write the first row of each token of a text, channel beside channel, padded; return the number of places.

    An empty text is seen where the filter ends before it, and in one place at least, as by the network.
    """
    n_channels = len(ids)
    margin = (width - 1) * n_channels
    rows[: 2 * margin + max(end - begin, 1) * n_channels] = 0
    for i in range(end - begin):
        for channel in range(n_channels):
            rows[margin + i * n_channels + channel] = np.int64(ids[channel, begin + i]) * width
    return max(end - begin + width - 1, 1)


@compiled()
def _max_of_one(table: Table, rows: I64, end: int, step: int, best: Table) -> None:
    """Raise `best` to what the places of a text have; here a place is one row."""
    kind = best.dtype.type
    for place in range(0, end, step):
        r0 = table[rows[place]]
        for f in range(len(best)):
            s = kind(r0[f])
            best[f] = s if s > best[f] else best[f]


@compiled()
def _max_of_two(table: Table, rows: I64, end: int, step: int, last: int, best: Table) -> None:
    """Do the same with two rows a place: taps 0 and 1 of two tokens, or tap 0 of both tokens of a place."""
    kind = best.dtype.type
    for place in range(0, end, step):
        r0, r1 = table[rows[place]], table[rows[place + 1] + last]
        for f in range(len(best)):
            s = kind(kind(r0[f]) + kind(r1[f]))
            best[f] = s if s > best[f] else best[f]


@compiled()
def _max_of_three(table: Table, rows: I64, end: int, step: int, best: Table) -> None:
    """Do the same with three rows a place."""
    kind = best.dtype.type
    for place in range(0, end, step):
        r0, r1, r2 = table[rows[place]], table[rows[place + 1] + 1], table[rows[place + 2] + 2]
        for f in range(len(best)):
            s = kind(kind(r0[f]) + kind(r1[f]) + kind(r2[f]))
            best[f] = s if s > best[f] else best[f]


@compiled()
def _max_of_four(table: Table, rows: I64, end: int, step: int, c: int, best: Table) -> None:
    """Do the same with four rows a place: `c` tokens under each tap."""
    kind = best.dtype.type
    for place in range(0, end, step):
        r0, r1 = table[rows[place]], table[rows[place + 1] + 1 // c]
        r2, r3 = table[rows[place + 2] + 2 // c], table[rows[place + 3] + 3 // c]
        for f in range(len(best)):
            s = kind(kind(r0[f]) + kind(r1[f]) + kind(r2[f]) + kind(r3[f]))
            best[f] = s if s > best[f] else best[f]


@compiled()
def _max_of_many(table: Table, rows: I64, end: int, step: int, n: int, c: int, sums: Table, best: Table) -> None:
    """Do the same with any number `n` of rows a place, added four at a time."""
    for place in range(0, end, step):
        _add(table, rows[place : place + n], c, sums)
        for f in range(len(best)):
            best[f] = sums[f] if sums[f] > best[f] else best[f]


@compiled(inline="always")
def _add(table: Table, rows: I64, c: int, sums: Table) -> None:
    """Add the rows of one place; padding's row 0 fills up the last four."""
    kind = sums.dtype.type
    sums[:] = 0
    n = len(rows)
    for i in range(0, n, 4):
        r0 = table[rows[i] + i // c]
        r1 = table[rows[i + 1] + (i + 1) // c if i + 1 < n else 0]
        r2 = table[rows[i + 2] + (i + 2) // c if i + 2 < n else 0]
        r3 = table[rows[i + 3] + (i + 3) // c if i + 3 < n else 0]
        for f in range(len(sums)):
            sums[f] += kind(kind(r0[f]) + kind(r1[f]) + kind(r2[f]) + kind(r3[f]))


@compiled(inline="always")
def _activate(table: Table, rows: I64, c: int, scale: F32, bias: F32, tanh: bool, value: F32) -> None:
    """Give the activations of all filters at one place."""
    _add(table, rows, c, value)
    for f in range(len(value)):
        x = value[f] * scale[f] + bias[f]
        value[f] = math.tanh(x) if tanh else max(x, np.float32(0))


@compiled()
def _keep(chosen: F32, kept: int, value: np.float32) -> None:
    """Add a value at the end; where all room is taken the last of the smallest goes, if it is smaller."""
    if kept < len(chosen):
        chosen[kept] = value
        return
    smallest = 0
    for i in range(1, len(chosen)):
        if chosen[i] <= chosen[smallest]:
            smallest = i
    if value > chosen[smallest]:
        for i in range(smallest, len(chosen) - 1):
            chosen[i] = chosen[i + 1]
        chosen[len(chosen) - 1] = value
