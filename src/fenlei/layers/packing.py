"""Sequences laid end to end, and side by side again where a layer needs to tell them apart.

Padding is work for nothing in every layer that looks at one place at a time, which in an encoder is all but attention.
Krell, Kosec, Perez, Fitzgibbon, "Efficient Sequence Packing without Cross-contamination", 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Packed:
    """How sequences that lie end to end lie side by side.

    Attributes
    ----------
    mask : tensor of bool, shape (n, longest)
        Where there is a token.
    inside : tensor of int64, shape (n_tokens,)
        Number of each token's place, counted row by row.

    Examples
    --------
    >>> packed = Packed.of(torch.tensor([[0, 1], [2, -1]]))
    >>> packed.padded(torch.tensor([[5.0], [6.0], [7.0]]))[..., 0].tolist()
    [[5.0, 6.0], [7.0, 0.0]]
    >>> packed.positions().tolist()
    [0, 1, 0]
    """

    mask: Tensor
    inside: Tensor

    @classmethod
    def of(cls, places: Tensor) -> Packed:
        """Take the number of the token at each place, -1 where there is none; shape (n, longest)."""
        mask = places >= 0
        return cls(mask, mask.flatten().nonzero()[:, 0])

    def padded(self, x: Tensor) -> Tensor:
        """Lay (n_tokens, ...) side by side: (n, longest, ...), 0 where there is no token."""
        padded: Tensor = _Pad.apply(x.flatten(1), self.inside, self.mask.numel())
        return padded.view(*self.mask.shape, *x.shape[1:])

    def unpadded(self, x: Tensor) -> Tensor:
        """Lay (n, longest, ...) end to end: (n_tokens, ...)."""
        unpadded: Tensor = _Unpad.apply(x.flatten(0, 1).flatten(1), self.inside)
        return unpadded.view(-1, *x.shape[2:])

    def positions(self) -> Tensor:
        """Tell each token's place in its sequence, from 0; shape (n_tokens,)."""
        return self.inside % self.mask.shape[1]


class _Pad(torch.autograd.Function):
    """Rows to places of their own; the gradient of an index would add up what never meets."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, inside: Tensor, n_places: int) -> Tensor:
        ctx.save_for_backward(inside)
        return x.new_zeros(n_places, x.shape[1]).index_copy_(0, inside, x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (inside,) = ctx.saved_tensors
        return gradient.index_select(0, inside), None, None


class _Unpad(torch.autograd.Function):
    """Rows from places of their own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, inside: Tensor) -> Tensor:
        ctx.save_for_backward(inside)
        ctx.n_places = len(x)
        return x.index_select(0, inside)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (inside,) = ctx.saved_tensors
        return gradient.new_zeros(ctx.n_places, gradient.shape[1]).index_copy_(0, inside, gradient), None
