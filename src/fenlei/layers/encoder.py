r"""A transformer encoder's layer (Vaswani et al., "Attention Is All You Need", NeurIPS 2017), norms first.

.. math::

    x &\leftarrow x + \operatorname{Attention}(\operatorname{norm}(x)) \\
    x &\leftarrow x + W_2 \operatorname{gelu}(W_1 \operatorname{norm}(x))

With the norms inside the branches (Xiong et al. 2020) training needs no long warm-up.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from transformers import initialization as init

from fenlei.layers.dropout import KeyedDropout


class SelfAttention(nn.Module):
    """Every place looks at every place of its text.

    Parameters
    ----------
    size : int
        Values of a place; a multiple of `heads`.
    heads : int
    """

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inputs = nn.Linear(size, 3 * size)
        self.output = nn.Linear(size, size)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """Mix the places of `x`, shape (n_texts, longest, size); `seen`, shape (n_texts, longest), are looked at."""
        n, longest, size = x.shape
        q, k, v = self.inputs(x).view(n, longest, 3, self.heads, size // self.heads).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen[:, None, None, :])
        output: Tensor = self.output(mixed.transpose(1, 2).reshape(n, longest, size))
        return output


class EncoderLayer(nn.Module):
    """Attention and a feed-forward network, each added to what came in.

    Parameters
    ----------
    size, heads : int
    hidden : int
        Values between the two matrices of the feed-forward network.
    dropout : float
        Of what each branch adds.
    salt : int
        Of the first dropout; the second has the next number.
    """

    def __init__(self, size: int, heads: int, hidden: int, *, dropout: float, salt: int) -> None:
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(size), SelfAttention(size, heads)
        self.hidden_norm = nn.LayerNorm(size)
        self.hidden, self.output = nn.Linear(size, hidden), nn.Linear(hidden, size)
        self.attention_dropout = KeyedDropout(dropout, salt=salt)
        self.hidden_dropout = KeyedDropout(dropout, salt=salt + 1)

    def reset(self) -> None:
        """Draw the matrices (Glorot and Bengio 2010)."""
        for part in (self.attention.inputs, self.attention.output, self.hidden, self.output):
            init.xavier_uniform_(part.weight)
            init.zeros_(part.bias)

    def forward(self, x: Tensor, seen: Tensor, keys: Tensor | None) -> Tensor:
        """Encode `x` of shape (n_texts, longest, size)."""
        x = x + self.attention_dropout(self.attention(self.attention_norm(x), seen), keys)
        hidden = nn.functional.gelu(self.hidden(self.hidden_norm(x)))
        return x + self.hidden_dropout(self.output(hidden), keys)


def sinusoids(longest: int, size: int) -> Tensor:
    """Give the fixed positions of Vaswani et al.: sines and cosines of wave lengths from 2 pi to 10000 * 2 pi.

    Parameters
    ----------
    longest : int
        Number of places.
    size : int

    Returns
    -------
    tensor of shape (longest, size)

    Examples
    --------
    >>> [[round(value, 3) for value in row] for row in sinusoids(2, 4).tolist()]
    [[0.0, 1.0, 0.0, 1.0], [0.841, 0.54, 0.01, 1.0]]
    """
    even = torch.arange(0, size, 2)
    angles = torch.arange(longest)[:, None] * torch.exp(even * (-math.log(10000) / size))
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, :size]
