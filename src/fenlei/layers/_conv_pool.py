r"""Compiled loops of a convolution over looked-up rows with max-over-time pooling.

A convolution is linear before its activation, so a filter tap and a token have a product that does not depend on the
place: the products of all taps with all tokens are a table, one matrix product, and the convolution is look-ups and
additions. The loops here take that table, over the tokens of a batch in training, over the whole vocabulary in a folded
model. Nothing of the size (texts, places, filters) is ever written, which is what the memory of a plain convolution
spends its time on. Max pooling passes the gradient to one place of each filter only, so the way back is as sparse.

A text of n tokens under a filter of width w is seen at the n + w - 1 places where it touches a token; outside the text
there is nothing. All arrays are C-contiguous.
"""

from __future__ import annotations

import numpy as np

from fenlei._jit import compiled
from fenlei.features._types import F32, I32, I64


@compiled()
def conv_max(
    table: F32,
    ids: I32,
    lengths: I64,
    widths: I64,
    filters: I64,
    stride: int,
    first: int,
    last: int,
    out: F32,
    arg: I32,
) -> None:
    """Pool texts `first` to `last`: ``out[text, filter]`` is the largest sum, ``arg`` the place where it begins.

    Parameters
    ----------
    table : (n_rows, sum of widths[j] * filters[j])
        Products of every tap and token: the taps of a width one after another, each with all its filters.
    ids : (n_texts, longest)
        Row of the table of each token; read up to the text's length.
    widths, filters : (n_widths,)
    out, arg : (n_texts, sum of filters)
        Places are counted from the text's first token; they may begin before it.
    """
    sums = np.empty(filters.max(), np.float32)
    for text in range(first, last):
        column, start = 0, 0
        for j in range(len(widths)):
            width, n = widths[j], filters[j]
            best, where = out[text, column : column + n], arg[text, column : column + n]
            best[:] = -np.inf
            where[:] = -width  # touches no token: an empty text sums to nothing
            for place in range(1 - width, max(lengths[text], 1), stride):
                low, high = max(0, -place), min(width, lengths[text] - place)
                sums[:n] = 0
                for tap in range(low, high):
                    row = table[ids[text, place + tap], start + tap * n : start + (tap + 1) * n]
                    for f in range(n):
                        sums[f] += row[f]
                for f in range(n):
                    better = sums[f] > best[f]
                    best[f] = sums[f] if better else best[f]
                    where[f] = place if better else where[f]
            column += n
            start += width * n


@compiled()
def conv_max_gradient(
    gradient: F32, ids: I32, lengths: I64, widths: I64, filters: I64, arg: I32, part: int, parts: int, out: F32
) -> None:
    """Add the gradient of each pooled filter to the products it was the sum of; only filters of this `part`."""
    for text in range(len(lengths)):
        column, start = 0, 0
        for j in range(len(widths)):
            width, n = widths[j], filters[j]
            for f in range(part * n // parts, (part + 1) * n // parts):
                g = gradient[text, column + f]
                if g == 0:
                    continue
                place = arg[text, column + f]
                for tap in range(max(0, -place), min(width, lengths[text] - place)):
                    out[ids[text, place + tap], start + tap * n + f] += g
            column += n
            start += width * n


@compiled()
def distinct(ids: I32, lengths: I64, seen: I32) -> tuple[I64, I32]:
    """Find the distinct ids of a padded batch, in order of appearance, and the number of each place among them.

    Parameters
    ----------
    ids : (n_texts, longest, n_channels)
    seen : (n_ids,)
        All -1; left so.
    """
    found = np.empty(ids.size, np.int64)
    places = np.zeros(ids.shape, np.int32)
    n = 0
    for text in range(ids.shape[0]):
        for i in range(lengths[text]):
            for channel in range(ids.shape[2]):
                token = ids[text, i, channel]
                if seen[token] < 0:
                    seen[token] = n
                    found[n] = token
                    n += 1
                places[text, i, channel] = seen[token]
    for i in range(n):
        seen[found[i]] = -1
    return found[:n].copy(), places
