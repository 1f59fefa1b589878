"""Convolutions and pooling that can be stacked: places come in, places come out, and padding stays zero.

A text's places depend on the text alone, so its answer is the same in every batch. Vectors stand place by place, shape
(n_texts, longest, size). The vectors under a filter are laid side by side and a convolution is one matrix product:
about as fast as torch's convolution on an idle processor, and many times as fast on a busy one, where the threads of
the latter wait for each other.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from transformers import initialization as init

from fenlei.layers.places import inside


class SameConvolution(nn.Module):
    """A convolution that gives as many places as come in, seeing zeros beyond both ends of a text.

    Parameters
    ----------
    size : int
        Values of a place that come in.
    filters : int
        Values that come out.
    width : int
        Places that a filter sees.
    std : float or None, default=None
        Spread of the first weights; None is what suits a ReLU behind (He et al. 2015).

    Attributes
    ----------
    weight : parameter of shape (filters, width * size)
        The taps one after another.
    bias : parameter of shape (filters,)
    """

    def __init__(self, size: int, filters: int, width: int, *, std: float | None = None) -> None:
        super().__init__()
        self.std = math.sqrt(2 / (size * width)) if std is None else std
        self.width = width
        self.weight = nn.Parameter(torch.empty(filters, width * size))
        self.bias = nn.Parameter(torch.empty(filters))

    def reset(self) -> None:
        """Draw the weights from a normal distribution."""
        init.normal_(self.weight, std=self.std)
        init.zeros_(self.bias)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Convolve `x` of shape (n_texts, longest, size), zero beyond each text, to (n_texts, longest, filters)."""
        wide = nn.functional.pad(x, (0, 0, (self.width - 1) // 2, self.width // 2))
        windows = side_by_side(wide, self.width)
        return nn.functional.linear(windows, self.weight, self.bias) * inside(lengths, x.shape[1])


def side_by_side(x: Tensor, width: int) -> Tensor:
    """Lay what a filter sees at each of its places side by side.

    Parameters
    ----------
    x : tensor of shape (n_texts, longest, size)
    width : int
        Places that the filter sees.

    Returns
    -------
    tensor of shape (n_texts, longest - width + 1, width * size)

    Examples
    --------
    >>> side_by_side(torch.tensor([[[1.0], [2.0], [3.0]]]), 2).tolist()
    [[[1.0, 2.0], [2.0, 3.0]]]
    """
    places = x.shape[1] - width + 1
    return x if width == 1 else torch.cat([x[:, tap : tap + places] for tap in range(width)], 2)


def max_of_windows(x: Tensor, lengths: Tensor, size: int, stride: int) -> tuple[Tensor, Tensor]:
    """Keep the largest value of every window; the last window of a text may be cut short by its end.

    Parameters
    ----------
    x : tensor of shape (n_texts, longest, features)
    lengths : tensor of int64, shape (n_texts,)
    size, stride : int
        Places of a window, and from one window's begin to the next.

    Returns
    -------
    x : tensor of shape (n_texts, ceil(longest / stride), features)
        Zero beyond each text.
    lengths : tensor of int64, shape (n_texts,)
        ``ceil(lengths / stride)``.

    Examples
    --------
    >>> y, lengths = max_of_windows(torch.tensor([[[1.0], [4.0], [3.0], [9.0]]]), torch.tensor([3]), 2, 2)
    >>> y[0, :, 0].tolist(), lengths.tolist()
    ([4.0, 3.0], [2])
    """
    longest = x.shape[1]
    x = x.masked_fill(~inside(lengths, longest), -math.inf)
    x = nn.functional.pad(x, (0, 0, 0, size - 1), value=-math.inf)  # so that every place may begin a window
    y = nn.functional.max_pool2d(x.transpose(1, 2)[:, :, None], (1, size), (1, stride))[:, :, 0].transpose(1, 2)
    lengths = (lengths + stride - 1) // stride
    return y.masked_fill(~inside(lengths, y.shape[1]), 0), lengths
