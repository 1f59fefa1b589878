r"""From the vectors of a text's places to one vector of the text; places beyond the text's end have no say.

Attention pooling is the word attention of Yang et al., "Hierarchical Attention Networks for Document Classification",
NAACL 2016:

.. math:: u_p = \tanh(W x_p + b), \quad a = \operatorname{softmax}_p(u_p \cdot c), \quad y = \sum_p a_p x_p
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from transformers import initialization as init

from fenlei.layers.places import inside, last_of

POOLINGS = ("max", "mean", "first", "last")


def pool(x: Tensor, lengths: Tensor, how: str) -> Tensor:
    """Pool over places.

    Parameters
    ----------
    x : tensor of shape (n_texts, longest, size)
    lengths : tensor of int64, shape (n_texts,)
        1 or more.
    how : {"max", "mean", "first", "last"}

    Returns
    -------
    tensor of shape (n_texts, size)

    Examples
    --------
    >>> x = torch.tensor([[[1.0], [3.0], [9.0]]])
    >>> [pool(x, torch.tensor([2]), how).item() for how in POOLINGS]
    [3.0, 2.0, 1.0, 3.0]
    """
    if how == "first":
        return x[:, 0]
    if how == "last":
        return last_of(x, lengths)
    mask = inside(lengths, x.shape[1])
    if how == "mean":
        return (x * mask).sum(1) / lengths[:, None]
    return x.masked_fill(~mask, -math.inf).max(1).values


class AttentionPooling(nn.Module):
    """Mean of the places, weighted by how much each matches a learned vector.

    Parameters
    ----------
    size : int
        Values of a place; as many come out.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(size, size)
        self.context = nn.Parameter(torch.empty(size))

    def reset(self) -> None:
        """Draw the weights (Glorot and Bengio 2010)."""
        init.xavier_uniform_(self.hidden.weight)
        init.zeros_(self.hidden.bias)
        init.normal_(self.context, std=0.1)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Pool `x` of shape (n_texts, longest, size) to (n_texts, size)."""
        scores = torch.tanh(self.hidden(x)) @ self.context
        scores = scores.float().masked_fill(~inside(lengths, x.shape[1])[..., 0], -math.inf)
        return (scores.softmax(1)[..., None] * x).sum(1)
