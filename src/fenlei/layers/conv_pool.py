r"""Convolutions of several widths over the tokens of a text, pooled over the text.

.. math:: c_{fp} = b_f + \sum_{k<w} W_{fk} \cdot x_{p+k}, \qquad y_f = \operatorname{pool}_p\, a(c_{fp})

Places p run over all windows that touch a token, so every text, however short or padded, has the same answer alone and
in a batch. On a processor and with max pooling the convolution is a matrix product over the *distinct* tokens of a
batch, then compiled look-ups (`fenlei.layers._conv_pool`); elsewhere it is a matrix product over what the filters see.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fenlei._threads import in_threads, n_threads
from fenlei.layers._conv_pool import conv_max, conv_max_gradient
from fenlei.layers.convolution import side_by_side
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
        if self.looks_up(embedded.rows.device):
            return ACTIVATIONS[self.activation](self._look_up(embedded) + self.bias)
        return self.convolve(embedded.dense(), embedded.lengths)

    def looks_up(self, device: torch.device) -> bool:
        """Whether texts there go through the compiled loops, which no exported graph can hold."""
        return self.pooling == "max" and device.type == "cpu" and not torch.compiler.is_exporting()

    def convolve(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Convolve and pool `x` of shape (n_texts, longest, dim), zero beyond each text, to (n_texts, out_features)."""
        parts = []
        biases = [self.bias[begin:end] for begin, end in pairwise([0, *accumulate(self.filters)])]
        for width, kernel, bias in zip(self.widths, self._by_width(self.weight), biases, strict=True):
            taps = kernel.view(len(kernel), width, -1).transpose(0, 1).flatten(0, 1)
            windows = side_by_side(nn.functional.pad(x, (0, 0, width - 1, width - 1)), width)
            sums = windows[:, :: self.stride] @ taps
            parts.append(self._pool(sums, bias, self._seen(sums.shape[1], width, lengths)))
        return torch.cat(parts, 1)

    def _look_up(self, embedded: Embedded) -> Tensor:
        table = (embedded.rows @ self.weight).float()
        shape = (np.array(self.widths), np.array(self.filters), self.stride)
        pooled: Tensor = _ConvMax.apply(table, embedded.places.numpy(), embedded.lengths.numpy(), *shape)
        return pooled

    def _seen(self, n_places: int, width: int, lengths: Tensor) -> Tensor:
        """Whether a place touches a token; the first always counts, also of an empty text."""
        places = torch.arange(n_places, device=lengths.device) * self.stride
        return (places < torch.clamp(lengths + width - 1, min=1)[:, None])[..., None]

    def _pool(self, sums: Tensor, bias: Tensor, seen: Tensor) -> Tensor:
        activate: Any = ACTIVATIONS[self.activation]
        if self.pooling == "max":
            return activate(sums.masked_fill(~seen, -math.inf).max(1).values + bias)
        c = activate(sums + bias)
        if self.pooling == "average":
            return (c * seen).sum(1) / seen.sum(1)
        return self._largest(c.masked_fill(~seen, -math.inf).transpose(1, 2))

    def _largest(self, c: Tensor) -> Tensor:
        """Give the k largest of each filter in the order of their places, 0 where there are fewer."""
        c = nn.functional.pad(c, (0, self.k - 1), value=-math.inf)  # a text has one place at least
        if torch.compiler.is_exporting():
            places = c.topk(self.k, 2).indices  # ONNX, unlike torch, says of equals: the earlier
        else:
            places = c.sort(dim=2, descending=True, stable=True).indices[..., : self.k]  # relu makes many equals
        ordered = c.gather(2, places.sort(2).values)
        return ordered.masked_fill(ordered == -math.inf, 0).flatten(1)

    def _by_width(self, weight: Tensor) -> list[Tensor]:
        sizes = [w * n for w, n in zip(self.widths, self.filters, strict=True)]
        return [weight[:, begin:end] for begin, end in pairwise([0, *accumulate(sizes)])]


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
