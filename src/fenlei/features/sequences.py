"""Texts as sequences of token ids, all in one flat array: what networks and word vectors take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from fenlei.features._types import I32, I64


class Cut(NamedTuple):
    """What `Sequences.cut` gives.

    Attributes
    ----------
    sequences : Sequences
        The ids that were kept.
    n_texts : int
        Number of texts that were longer than the limit.
    n_ids : int
        Number of ids left out, of all texts together.
    """

    sequences: Sequences
    n_texts: int
    n_ids: int


@dataclass(frozen=True, eq=False)
class Sequences:
    """The token ids of many texts, end to end.

    Parameters
    ----------
    ids : array of int32, shape (n_tokens,)
    bounds : array of int64, shape (n_texts + 1,)
        Text i is ``ids[bounds[i]:bounds[i + 1]]``.

    Examples
    --------
    >>> sequences = Sequences.of([[5, 6, 7], [], [8]])
    >>> len(sequences), sequences.lengths.tolist(), sequences[0].tolist()
    (3, [3, 0, 1], [5, 6, 7])
    """

    ids: I32
    bounds: I64

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> Self:
        """Lay lists of ids end to end."""
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        flat = (token for row in rows for token in row)
        return cls(np.fromiter(flat, np.int32, int(lengths.sum())), _bounds(lengths))

    @classmethod
    def concatenate(cls, parts: Iterable[Sequences]) -> Self:
        """Join several into one, in order; none at all is no text.

        Examples
        --------
        >>> parts = [Sequences.of([[5], [6, 7]]), Sequences.of([[8]])]
        >>> [row.tolist() for row in Sequences.concatenate(parts)]
        [[5], [6, 7], [8]]
        """
        parts = list(parts)
        if len(parts) == 1:
            return cls(parts[0].ids, parts[0].bounds)
        ids = np.concatenate([np.empty(0, np.int32), *(part.ids for part in parts)])
        return cls(ids, _bounds(np.concatenate([np.empty(0, np.int64), *(part.lengths for part in parts)])))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, text: int) -> I32:
        """Ids of one text, a view; negative places count from the end."""
        place = range(len(self))[text]
        return self.ids[self.bounds[place] : self.bounds[place + 1]]

    def __iter__(self) -> Iterator[I32]:
        return (self[text] for text in range(len(self)))

    @property
    def lengths(self) -> I64:
        """Number of ids of each text; shape (n_texts,)."""
        return np.diff(self.bounds)

    def select(self, order: Any) -> Sequences:
        """Take some texts, in the order given.

        Parameters
        ----------
        order : array of int or of bool, or slice
            Whatever indexes a numpy array of shape (n_texts,); a text may come more than once.

        Examples
        --------
        >>> [row.tolist() for row in Sequences.of([[5], [6, 7], [8]]).select([1, 0])]
        [[6, 7], [5]]
        """
        if not isinstance(order, slice):
            order = np.asarray(order)
            order = order.astype(np.int64) if not len(order) else order  # an empty list has no type of its own
        return self._gather(self.bounds[:-1][order], self.lengths[order])

    def cut(self, limit: int) -> Cut:
        """Keep the first `limit` ids of each text, and count what that leaves out.

        Examples
        --------
        >>> cut = Sequences.of([[5, 6, 7], [8]]).cut(2)
        >>> [row.tolist() for row in cut.sequences], cut.n_texts, cut.n_ids
        ([[5, 6], [8]], 1, 1)
        """
        lengths = self.lengths
        kept = np.minimum(lengths, limit)
        n_texts, n_ids = int((lengths > kept).sum()), int((lengths - kept).sum())
        return Cut(self._gather(self.bounds[:-1], kept) if n_texts else self, n_texts, n_ids)

    def _gather(self, starts: I64, lengths: I64) -> Sequences:
        bounds = _bounds(lengths)
        places = np.repeat(starts - bounds[:-1], lengths)
        places += np.arange(bounds[-1])
        return Sequences(self.ids[places], bounds)


def _bounds(lengths: I64) -> I64:
    bounds = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds
