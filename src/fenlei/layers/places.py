"""Places of texts in a padded batch: which hold a token."""

from __future__ import annotations

import torch
from torch import Tensor


def inside(lengths: Tensor, longest: int) -> Tensor:
    """Whether each place is before its text's end; bool, shape (n_texts, longest, 1).

    Examples
    --------
    >>> inside(torch.tensor([1, 2]), 3)[..., 0].int().tolist()
    [[1, 0, 0], [1, 1, 0]]
    """
    return (torch.arange(longest, device=lengths.device) < lengths[:, None])[..., None]


def at_least_one(lengths: Tensor) -> Tensor:
    """Give an empty text one place, whose vector is zero: pooling then has something to pool."""
    return lengths.clamp(min=1)


def last_of(x: Tensor, lengths: Tensor) -> Tensor:
    """Give the values of each text's last place: of `x` of shape (n_texts, longest, size) the (n_texts, size).

    Examples
    --------
    >>> last_of(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([2])).tolist()
    [[3.0]]
    """
    places = (lengths - 1)[:, None, None].expand(-1, 1, x.shape[2])
    return x.gather(1, places)[:, 0]
