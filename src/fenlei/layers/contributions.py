r"""What each token of a text adds to the outputs of a folded convolution and the linear layer on it, exactly.

A filter's answer at a place is :math:`a = g(x)`, :math:`x = b + \sum_k T_k`, T the entries of its table for the tokens
under it. Pooling keeps some places, and the linear layer multiplies what is kept. So each token under a kept place adds
:math:`v\,(a / x)\,T_k`, and the bias :math:`v\,(a / x)\,b`, with v the weight of the linear layer (over the number of
places, where pooling averages); for ReLU :math:`a / x` is 1 or 0. All of it together is the output, to within rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fenlei.features._types import F64, I32
from fenlei.layers.folded import FoldedConvolution, Shape


def token_contributions(convolution: FoldedConvolution, ids: I32, weight: NDArray[Any]) -> tuple[F64, F64]:
    """Share the outputs of ``convolution.project`` for one text out to its tokens.

    Parameters
    ----------
    convolution : FoldedConvolution
    ids : array of int32, shape (n_channels, n_tokens)
    weight : array of shape (n_out, n_features)

    Returns
    -------
    array of shape (n_tokens, n_out), array of shape (n_out,)
        What each token adds, and what the biases of the filters add.

    Examples
    --------
    >>> table = np.zeros((4, 2, 1), np.float32)
    >>> table[2, 0], table[3, 1] = 1.5, 2.0
    >>> shape = Shape(stride=1, pooling="max", k=1, activation="relu")
    >>> folded = FoldedConvolution([table], np.ones(1, np.float32), np.full(1, -1, np.float32), shape)
    >>> tokens, rest = token_contributions(folded, np.array([[2, 3]], np.int32), np.ones((1, 1), np.float32))
    >>> tokens.tolist(), rest.tolist()
    ([[1.5], [2.0]], [-1.0])
    """
    n, shape = ids.shape[1], convolution.shape
    tokens, rest = np.zeros((n, len(weight))), np.zeros(len(weight))
    for block in convolution._blocks:
        filters = slice(block.begin, block.begin + block.table.shape[1])
        bias = convolution.bias[filters].astype(np.float64)
        entries = _entries(block.table, block.width, ids, shape.stride) * convolution.scale[filters]
        amounts = _amounts(entries.sum(axis=1) + bias, _of_filters(weight, filters, shape.k), shape)
        added = np.einsum("ptf,pfo->pto", entries, amounts)
        for tap in range(block.width):
            place = np.arange(len(added)) * shape.stride + tap - (block.width - 1)
            inside = (place >= 0) & (place < n)
            tokens[place[inside]] += added[inside, tap]
        rest += np.einsum("f,pfo->o", bias, amounts)
    return tokens, rest


def _of_filters(weight: NDArray[Any], filters: slice, k: int) -> F64:
    """Weights of the linear layer for these filters, shape (n_filters, k, n_out)."""
    chosen = weight[:, filters.start * k : filters.stop * k].astype(np.float64)
    return chosen.T.reshape(-1, k, len(weight))


def _entries(table: NDArray[Any], width: int, ids: I32, stride: int) -> F64:
    """Look up the table at each place and tap, the channels added up; shape (n_places, width, n_filters)."""
    n = ids.shape[1]
    padded = np.pad(ids.astype(np.int64), ((0, 0), (width - 1, width - 1 if n else width)))
    places = np.arange(0, max(n + width - 1, 1), stride)[:, None] + np.arange(width)
    rows = padded[:, places] * width + np.arange(width)
    return table[rows].sum(axis=0, dtype=np.float64)


def _amounts(sums: F64, weight: F64, shape: Shape) -> F64:
    """Factor on what is summed up at each place, by filter and output; shape (n_places, n_filters, n_out)."""
    n_places, n_filters = sums.shape
    values = np.tanh(sums) if shape.activation == "tanh" else np.maximum(sums, 0)
    gains = np.divide(values, sums, out=np.zeros_like(sums), where=sums != 0)
    if shape.pooling == "average":
        return gains[:, :, None] * weight[None, :, 0] / n_places
    amounts = np.zeros((n_places, n_filters, weight.shape[2]))
    order = np.argsort(-(sums if shape.pooling == "max" else values), axis=0, kind="stable")
    kept = np.sort(order[: shape.k], axis=0)  # in the order of the text, as the pooled values stand
    every = np.arange(n_filters)
    for i, place in enumerate(kept):
        amounts[place, every] = gains[place, every, None] * weight[:, i]
    return amounts
