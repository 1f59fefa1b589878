r"""Convolutions of several widths over the tokens of a text, pooled over the text.

.. math:: c_{fp} = b_f + \sum_{k<w} W_{fk} \cdot x_{p+k}, \qquad y_f = \operatorname{pool}_p\, a(c_{fp})

Places p run over all windows that touch a token, so every text, however short or padded, has the same answer alone and
in a batch. On a processor and with max pooling the convolution is a matrix product over the *distinct* tokens of a
batch, then compiled look-ups (`fenlei.layers._conv_pool`); elsewhere it is torch's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fenlei._threads import in_threads, n_threads
from fenlei.layers._conv_pool import conv_max, conv_max_gradient
from fenlei.layers.embedding import Embedded

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh}  # both rising, so that pooling may come first
POOLINGS = ("max", "average", "kmax")


class TextConvolution(nn.Module):
    """Filters of several widths, pooled.

    Parameters
    ----------
    dim : int
        Size of the vectors that come in.
    widths, filters : sequences of int, of one length
        Tokens that a filter sees, and how many filters there are of each width.
    stride : int, default=1
        Steps between the places of a filter.
    pooling : {"max", "average", "kmax"}, default="max"
        ``kmax`` keeps the k largest values in their order (Kalchbrenner et al. 2014).
    k : int, default=1
        For ``kmax``.
    activation : {"relu", "tanh"}, default="relu"

    Attributes
    ----------
    weight : parameter of shape (dim, sum of widths[j] * filters[j])
        The taps of a width one after another, each with all its filters.
    bias : parameter of shape (sum of filters,)
    """

    def __init__(
        self, dim: int, widths: Sequence[int], filters: Sequence[int], *,
        stride: int = 1, pooling: str = "max", k: int = 1, activation: str = "relu",
    ) -> None:  # fmt: skip
        super().__init__()
        self.widths, self.filters = tuple(widths), tuple(filters)
        self.stride, self.pooling, self.k = stride, pooling, k
        self.activation = activation
        self.weight = nn.Parameter(torch.empty(dim, sum(w * n for w, n in zip(self.widths, self.filters, strict=True))))
        self.bias = nn.Parameter(torch.empty(sum(self.filters)))

    @property
    def out_features(self) -> int:
        """Number of values that come out for a text."""
        return sum(self.filters) * (self.k if self.pooling == "kmax" else 1)

    def reset(self) -> None:
        """Draw the weights uniformly, as torch does for a convolution (He et al. 2015, gain 1/sqrt(3))."""
        from transformers import initialization as init

        for width, part in zip(self.widths, self._by_width(self.weight), strict=True):
            bound = 1 / math.sqrt(width * len(self.weight))
            init.uniform_(part, -bound, bound)
        init.zeros_(self.bias)

    def forward(self, embedded: Embedded) -> Tensor:
        """Convolve and pool; shape (n_texts, out_features)."""
        activate = ACTIVATIONS[self.activation]
        if self.pooling == "max" and embedded.rows.device.type == "cpu":
            return activate(self._look_up(embedded) + self.bias)
        return self._convolve(embedded, activate)

    def _look_up(self, embedded: Embedded) -> Tensor:
        table = (embedded.rows @ self.weight).float()
        shape = (np.array(self.widths), np.array(self.filters), self.stride)
        pooled: Tensor = _ConvMax.apply(table, embedded.places.numpy(), embedded.lengths.numpy(), *shape)
        return pooled

    def _convolve(self, embedded: Embedded, activate: Any) -> Tensor:
        x = embedded.dense().transpose(1, 2)
        parts = []
        start = 0
        for width, kernel in zip(self.widths, self._by_width(self.weight), strict=True):
            n = kernel.shape[1] // width
            taps = kernel.view(len(kernel), width, n).permute(2, 0, 1)
            c = nn.functional.conv1d(x, taps, self.bias[start : start + n], padding=width - 1)
            c = c[:, :, :: self.stride]  # torch's own stride leaves gradients in bfloat16 partly unwritten (2.13, CPU)
            parts.append(self._pool(activate(c), self._seen(c.shape[2], width, embedded.lengths)))
            start += n
        return torch.cat(parts, 1)

    def _seen(self, n_places: int, width: int, lengths: Tensor) -> Tensor:
        """Whether a place touches a token; the first always counts, also of an empty text."""
        places = torch.arange(n_places, device=lengths.device) * self.stride
        return places < torch.clamp(lengths + width - 1, min=1)[:, None]

    def _pool(self, c: Tensor, seen: Tensor) -> Tensor:
        if self.pooling == "average":
            return (c * seen[:, None]).sum(2) / seen.sum(1)[:, None]
        c = c.masked_fill(~seen[:, None], -math.inf)
        if self.pooling == "max":
            return c.max(2).values
        c = nn.functional.pad(c, (0, max(0, self.k - c.shape[2])), value=-math.inf)
        values, places = c.sort(dim=2, descending=True, stable=True)  # of equals (relu makes many) the earlier
        ordered = values[..., : self.k].gather(2, places[..., : self.k].argsort(2))
        return ordered.masked_fill(ordered == -math.inf, 0).flatten(1)

    def _by_width(self, weight: Tensor) -> tuple[Tensor, ...]:
        return weight.split([w * n for w, n in zip(self.widths, self.filters, strict=True)], 1)


class _ConvMax(torch.autograd.Function):
    """Look-ups, additions and the largest of them, with the gradient to the table."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, places: Any, lengths: Any, widths: Any, filters: Any, stride: int) -> Tensor:
        n, parts = len(lengths), n_threads()
        out, arg = np.empty((n, filters.sum()), np.float32), np.empty((n, filters.sum()), np.int32)
        bounds = [n * i // parts for i in range(parts + 1)]
        work = partial(_forward_part, table.detach().numpy(), places, lengths, widths, filters, stride, out, arg)
        in_threads(work, list(pairwise(bounds)))
        ctx.shape, ctx.known = table.shape, (np.ascontiguousarray(places), lengths, widths, filters, arg)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        out = np.zeros(ctx.shape, np.float32)
        g, parts = gradient.contiguous().numpy(), n_threads()
        in_threads(lambda part: conv_max_gradient(g, *ctx.known, part, parts, out), list(range(parts)))
        return torch.from_numpy(out), None, None, None, None, None


def _forward_part(
    table: Any, places: Any, lengths: Any, widths: Any, filters: Any, stride: int, out: Any, arg: Any,
    part: tuple[int, int],
) -> None:  # fmt: skip
    places = np.ascontiguousarray(places)
    conv_max(table, places, lengths, widths, filters, stride, *part, out, arg)
