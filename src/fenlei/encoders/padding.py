"""Windows of about one length side by side, as an encoder that does not learn reads them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from fenlei.features._types import I64
from fenlei.features.padding import in_length_order, inside, padded
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
    >>> [(order.tolist(), found.tolist()) for order, found, mask in padded_batches(Sequences.of([[5], [6, 7]]), 0)]
    [([1, 0], [[6, 7], [5, 0]])]
    """
    for order in in_length_order(ids.lengths, len(ids), _TOKENS):
        chosen = ids.select(order)
        mask = inside(chosen.lengths).astype(np.int64)
        yield order, torch.from_numpy(padded(chosen, pad_id)), torch.from_numpy(mask)
