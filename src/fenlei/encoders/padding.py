"""Windows of about one length side by side, as an encoder that does not learn reads them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from fenlei.features._types import I64
from fenlei.features.sequences import Sequences

_TOKENS = 2**14  # of a batch, padding among them


def padded_batches(ids: Sequences, pad_id: int) -> Iterator[tuple[I64, Tensor, Tensor]]:
    """Give all windows once, longest first, so many together that the memory does not grow with their length.

    Parameters
    ----------
    ids : Sequences
        Token ids of each window.
    pad_id : int

    Yields
    ------
    order : array of int64, shape (n,)
        Which windows.
    padded, mask : tensors of int64, shape (n, longest)
        Their ids, and 1 where there is a token.

    Examples
    --------
    >>> [(order.tolist(), padded.tolist()) for order, padded, mask in padded_batches(Sequences.of([[5], [6, 7]]), 0)]
    [([1, 0], [[6, 7], [5, 0]])]
    """
    lengths = ids.lengths
    for order in _batches(lengths):
        mask = np.arange(max(int(lengths[order[0]]), 1)) < lengths[order][:, None]
        padded = np.full(mask.shape, pad_id, np.int64)
        padded[mask] = ids.select(order).ids
        yield order, torch.from_numpy(padded), torch.from_numpy(mask.astype(np.int64))


def _batches(lengths: I64) -> Iterator[I64]:
    order = np.argsort(-lengths, kind="stable")
    begin = 0
    while begin < len(order):
        end = begin + max(1, _TOKENS // max(1, int(lengths[order[begin]])))
        yield order[begin:end]
        begin = end
