"""Texts of different lengths side by side: what a network takes, as arrays of numpy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fenlei.features._types import I64
from fenlei.features.sequences import Sequences


def inside(lengths: I64) -> NDArray[np.bool_]:
    """Whether each place is before its text's end; shape (n_texts, longest), of one place at least.

    Examples
    --------
    >>> inside(np.array([1, 2])).astype(int).tolist()
    [[1, 0], [1, 1]]
    """
    return np.arange(max(int(lengths.max(initial=0)), 1)) < lengths[:, None]


def padded(ids: Sequences, pad_id: int = 0) -> I64:
    """Give the ids of each text, and `pad_id` beyond its end; shape (n_texts, longest).

    Examples
    --------
    >>> padded(Sequences.of([[5, 6], [], [7]])).tolist()
    [[5, 6], [0, 0], [7, 0]]
    """
    mask = inside(ids.lengths)
    filled = np.full(mask.shape, pad_id, np.int64)
    filled[mask] = ids.ids
    return filled


def padded_channels(channels: Sequence[Sequences]) -> I64:
    """Give the ids of one channel, shape (n_texts, longest), or of several, (n_texts, longest, n_channels)."""
    filled = [padded(channel) for channel in channels]
    return filled[0] if len(filled) == 1 else np.stack(filled, 2)


def in_length_order(lengths: I64, most_texts: int, most_places: int) -> Iterator[I64]:
    """Give all texts once, in batches, longest first (so that a batch too large for the memory shows at once).

    Of long texts fewer than `most_texts` come together: no more than fill `most_places`, padding among them, so that
    the memory does not grow with their length.

    Examples
    --------
    >>> [batch.tolist() for batch in in_length_order(np.array([1, 2, 5, 2]), 2, 6)]
    [[2], [1, 3], [0]]
    """
    order = np.argsort(-lengths, kind="stable")
    begin = 0
    while begin < len(order):
        longest = max(int(lengths[order[begin]]), 1)
        end = begin + max(1, min(most_texts, most_places // longest))
        yield order[begin:end]
        begin = end
