"""From token ids to vectors: looked up once for each distinct token of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from fenlei._codepoints import codepoints
from fenlei.features._types import I32, I64
from fenlei.features.alphabet import WORD, kinds
from fenlei.layers._conv_pool import distinct
from fenlei.layers._ngrams import word_parts
from fenlei.layers.dropout import KeyedDropout

SPARSE_FROM = 10_000  # rows; a dense gradient of fewer costs less than a sparse one's bookkeeping
PARTS = (3, 5)  # characters of the n-grams inside words, with the boundaries before and after


class Embedded(NamedTuple):
    """The tokens of a batch as vectors.

    Attributes
    ----------
    rows : tensor of shape (n_rows, dim)
        The vectors of the distinct tokens, or of all places when several tokens share one.
    places : tensor of int32, shape (n_texts, longest)
        Row of each place; meaningless beyond a text's length.
    lengths : tensor of int64, shape (n_texts,)
    tokens : tensor of int64, shape (n_rows,), or None
        The id of each row; None when several share a place.
    """

    rows: Tensor
    places: Tensor
    lengths: Tensor
    tokens: Tensor | None = None

    def mask(self) -> Tensor:
        """Whether each place holds a token; bool, shape (n_texts, longest)."""
        return torch.arange(self.places.shape[1], device=self.lengths.device) < self.lengths[:, None]

    def dense(self) -> Tensor:
        """Give the vector of each place, zero beyond the text; shape (n_texts, longest, dim)."""
        return nn.functional.embedding(self.places, self.rows) * self.mask()[..., None]


class PartRows(NamedTuple):
    """The buckets of the character n-grams of each token.

    Attributes
    ----------
    parts : array of int32, shape (n_parts,)
        Those of token i are ``parts[bounds[i]:bounds[i + 1]]``.
    bounds : array of int64, shape (n_tokens + 1,)
    """

    parts: I32
    bounds: I64


def part_rows(tokens: Sequence[str], buckets: int) -> PartRows:
    """Cut the words among the tokens into character n-grams; single characters and marks have none."""
    codes, offsets = codepoints(tokens)
    lengths = np.diff(offsets)
    starts = codes[np.minimum(offsets[:-1], len(codes) - 1)]
    is_word = ((kinds()[starts] == WORD) & (lengths > 1)).astype(np.int32)
    return PartRows(*word_parts(codes, offsets, is_word, *PARTS, buckets))


class _Tables:
    """Tables over all ids in which distinct ones are found, kept for the next batch; each caller has one to itself.

    Several threads may ask one network at once, and the compiled loop holds no lock.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._free: list[I32] = []

    def distinct(self, ids: Any, lengths: I64) -> tuple[I64, I32]:
        """Find the distinct ids of a padded batch; see `fenlei.layers._conv_pool.distinct`.

        Raises
        ------
        IndexError
            When there is no such id: the compiled loop would write where it must not.
        """
        if ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < self.size:
            raise IndexError(f"ids from {int(ids.min())} to {int(ids.max())} in a vocabulary of {self.size}")
        try:
            table = self._free.pop()
        except IndexError:
            table = np.full(self.size, -1, np.int32)
        found = distinct(ids.astype(np.int32, copy=False), lengths, table)
        self._free.append(table)  # not after an error, when it may not be clean
        return found


class TokenEmbedding(nn.Module):
    """Vectors of tokens, trained or fixed.

    A place may hold several tokens, one a channel (a character and the word it is part of); their vectors are added.
    The modes are those of Kim (2014); in ``multichannel`` the same filters see a fixed and a trained copy and their
    answers are added, which is the same as adding the vectors.

    With `parts`, the vector of a word is its own plus the mean of those of its hashed character n-grams (Bojanowski et
    al., "Enriching Word Vectors with Subword Information", 2017), so that "boring" and "bored" share what they learn.

    Parameters
    ----------
    size : int
        Number of ids; id 0 is padding.
    dim : int
    mode : {"random", "static", "nonstatic", "multichannel"}
        Whether vectors begin at random or as given, and whether they learn.
    dropout : float
        Share of the values of each distinct token's vector set to 0 in training.
    parts : int, default=0
        Number of buckets for character n-grams; 0 for none.
    part_entries : int, default=0
        How many character n-grams the words have together, as `part_rows` counts them.

    Attributes
    ----------
    sparse : bool
        Whether large tables get sparse gradients, which hold the rows of the batch only.
    """

    fixed: Tensor | None
    parts: Tensor
    part_bounds: Tensor

    def __init__(
        self, size: int, dim: int, *, mode: str = "random", dropout: float = 0.0, parts: int = 0, part_entries: int = 0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size, dim), requires_grad=mode != "static")
        self.part_weight = nn.Parameter(torch.empty(parts, dim)) if parts else None
        self.mode = mode
        self.sparse = False  # not every optimizer takes a sparse gradient; the engine says when
        self.dropout = KeyedDropout(dropout, salt=1)
        self.register_buffer("fixed", torch.zeros(size, dim) if mode == "multichannel" else None)
        self.register_buffer("parts", torch.zeros(part_entries, dtype=torch.int32) if parts else None)
        self.register_buffer("part_bounds", torch.zeros(size + 1, dtype=torch.int64) if parts else None)
        self._tables, self._part_tables = _Tables(size), _Tables(parts)

    def spell(self, rows: PartRows) -> None:
        """Say which character n-grams the tokens have; ids beyond have none."""
        self.parts.copy_(torch.from_numpy(rows.parts))
        self.part_bounds[: len(rows.bounds)] = torch.from_numpy(rows.bounds)
        self.part_bounds[len(rows.bounds) :] = len(rows.parts)

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
        found, places = self._tables.distinct(ids.cpu().numpy(), lengths.cpu().numpy())
        found = found if len(found) else np.zeros(1, np.int64)  # texts without tokens: padding, so that there is a row
        tokens = torch.from_numpy(found).to(ids.device)
        rows = self.dropout(self.vectors(tokens), None if key is None else tokens + (key << 20))
        channels = torch.from_numpy(places).to(ids.device)
        if ids.shape[2] == 1:
            return Embedded(rows, channels[..., 0], lengths, tokens)
        added = rows[channels.long()].sum(2).flatten(0, 1)
        every = torch.arange(len(added), dtype=torch.int32, device=ids.device)
        return Embedded(added, every.view(ids.shape[:2]), lengths)

    def vectors(self, tokens: Tensor) -> Tensor:
        """Give the vectors of some ids, without dropout; shape (n, dim)."""
        rows = self._rows(self.weight, tokens)
        if self.fixed is not None:
            rows = rows + nn.functional.embedding(tokens, self.fixed)
        return rows if self.part_weight is None else rows + self._from_parts(tokens, self.part_weight)

    def _from_parts(self, tokens: Tensor, weight: Tensor) -> Tensor:
        first, counts = self.part_bounds[tokens], self.part_bounds[tokens + 1] - self.part_bounds[tokens]
        bags = counts.cumsum(0) - counts
        every = torch.arange(int(counts.sum()), device=tokens.device)
        parts = self.parts[torch.repeat_interleave(first - bags, counts) + every]
        found, places = self._part_tables.distinct(parts.cpu().numpy()[None, :, None], np.array([len(parts)]))
        rows = self._rows(weight, torch.from_numpy(found).to(tokens.device))
        inside = torch.from_numpy(places[0, :, 0]).to(tokens.device)
        return nn.functional.embedding_bag(inside, rows, bags.int(), mode="mean")

    def _rows(self, weight: Tensor, found: Tensor) -> Tensor:
        return nn.functional.embedding(found, weight, sparse=self.sparse and len(weight) >= SPARSE_FROM)

    @torch.no_grad()
    def begin_with(self, vectors: Tensor, found: Tensor) -> None:
        """Take given vectors where there are any; random ones of the others get the same spread.

        Parameters
        ----------
        vectors : tensor of shape (n_tokens, dim)
            Of the first ids; there may be more, such as the n-grams of a family.
        found : tensor of bool, shape (n_tokens,)
            Which of them have a given vector.
        """
        given = found.nonzero()[:, 0]
        spread = vectors[given].std() if len(given) else torch.tensor(1.0)
        self.weight.mul_(spread / self.weight.std())
        self.weight[given] = vectors[given]
        if self.fixed is not None:  # the sum begins as the given vector, here and with the parts
            self.fixed[given] = vectors[given] / 2
            self.weight[given] = vectors[given] / 2
        if self.part_weight is not None:
            self.part_weight.zero_()
