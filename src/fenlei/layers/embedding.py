"""From token ids to vectors: looked up once for each distinct token of a batch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from fenlei.layers._conv_pool import distinct
from fenlei.layers.dropout import KeyedDropout


class Embedded(NamedTuple):
    """The tokens of a batch as vectors.

    Attributes
    ----------
    rows : tensor of shape (n_rows, dim)
        The vectors of the distinct tokens, or of all places when several tokens share one.
    places : tensor of int32, shape (n_texts, longest)
        Row of each place; meaningless beyond a text's length.
    lengths : tensor of int64, shape (n_texts,)
    """

    rows: Tensor
    places: Tensor
    lengths: Tensor

    def mask(self) -> Tensor:
        """Whether each place holds a token; bool, shape (n_texts, longest)."""
        return torch.arange(self.places.shape[1], device=self.lengths.device) < self.lengths[:, None]

    def dense(self) -> Tensor:
        """Give the vector of each place, zero beyond the text; shape (n_texts, longest, dim)."""
        return self.rows[self.places.long()] * self.mask()[..., None]


class TokenEmbedding(nn.Module):
    """Vectors of tokens, trained or fixed.

    A place may hold several tokens, one a channel (a character and the word it is part of); their vectors are added.
    The modes are those of Kim (2014); in ``multichannel`` the same filters see a fixed and a trained copy and their
    answers are added, which is the same as adding the vectors.

    Parameters
    ----------
    size : int
        Number of ids; id 0 is padding.
    dim : int
    mode : {"random", "static", "nonstatic", "multichannel"}
        Whether vectors begin at random or as given, and whether they learn.
    dropout : float
        Share of the values of each distinct token's vector set to 0 in training.
    """

    def __init__(self, size: int, dim: int, *, mode: str = "random", dropout: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size, dim), requires_grad=mode != "static")
        self.mode = mode
        self.dropout = KeyedDropout(dropout, salt=1)
        self.register_buffer("fixed", torch.zeros(size, dim) if mode == "multichannel" else None)
        self._seen = np.full(size, -1, np.int32)

    def forward(self, input_ids: Tensor, key: Tensor | None = None) -> Embedded:
        """Look up a padded batch.

        Parameters
        ----------
        input_ids : tensor of int, shape (n_texts, longest) or (n_texts, longest, n_channels)
            0 from a text's end on.
        key : tensor of int64, shape (1,), optional
            Key of the batch's dropout.
        """
        ids = input_ids if input_ids.dim() == 3 else input_ids[..., None]
        lengths = (ids[..., 0] != 0).sum(1)
        found, places = distinct(ids.cpu().numpy().astype(np.int32, copy=False), lengths.cpu().numpy(), self._seen)
        tokens = torch.from_numpy(found).to(ids.device)
        rows = self.dropout(self.vectors(tokens), None if key is None else tokens + (key << 20))
        channels = torch.from_numpy(places).to(ids.device)
        if ids.shape[2] == 1:
            return Embedded(rows, channels[..., 0], lengths)
        added = rows[channels.long()].sum(2).flatten(0, 1)
        return Embedded(added, torch.arange(len(added), dtype=torch.int32).view(ids.shape[:2]), lengths)

    def vectors(self, tokens: Tensor) -> Tensor:
        """Give the vectors of some ids, without dropout; shape (n, dim)."""
        rows = nn.functional.embedding(tokens, self.weight)
        return rows if self.fixed is None else rows + nn.functional.embedding(tokens, self.fixed)

    @torch.no_grad()
    def begin_with(self, vectors: Tensor, found: Tensor) -> None:
        """Take given vectors where there are any; random ones of the others get the same spread.

        Parameters
        ----------
        vectors : tensor of shape (size, dim)
        found : tensor of bool, shape (size,)
            Which ids have a given vector.
        """
        if self.fixed is not None:
            self.fixed[found] = vectors[found]
            self.weight[found] = vectors[found] / 2
            self.fixed[found] /= 2  # the sum begins as the given vector
            return
        spread = vectors[found].std() if found.any() else torch.tensor(1.0)
        self.weight *= spread / self.weight.std()
        self.weight[found] = vectors[found]
