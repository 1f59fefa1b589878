"""Fully connected layers with ReLU and dropout between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from transformers import initialization as init

from fenlei.layers.dropout import KeyedDropout


class HiddenLayers(nn.Module):
    """Linear layers, each followed by ReLU, with dropout before all but the first.

    Parameters
    ----------
    size : int
        Values that come in.
    hidden : sequence of int
        Values that come out of each layer; without any, what comes in comes out.
    dropout : float
    salt : int
        Of the first dropout; the others have the next numbers.
    """

    def __init__(self, size: int, hidden: Sequence[int], *, dropout: float = 0.0, salt: int = 0) -> None:
        super().__init__()
        sizes = [size, *hidden]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.dropouts = nn.ModuleList(KeyedDropout(dropout, salt=salt + i) for i in range(len(sizes) - 2))
        self.out_features = sizes[-1]

    def reset(self) -> None:
        """Draw the weights with the spread that suits a ReLU (He et al. 2015)."""
        for parameter in self.layers.parameters():
            if parameter.ndim > 1:
                init.kaiming_normal_(parameter, nonlinearity="relu")
            else:
                init.zeros_(parameter)

    def forward(self, x: Tensor, keys: Tensor | None) -> Tensor:
        """Transform `x` of shape (n_texts, size) to (n_texts, out_features)."""
        for i, layer in enumerate(self.layers):
            x = self.dropouts[i - 1](x, keys) if i else x
            x = torch.relu(layer(x))
        return x
