"""Rows of a vector file as they are read: which to keep, and where they go."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from fenlei.exceptions import DataError
from fenlei.features._types import F32
from fenlei.vectors.subwords import Subwords
from fenlei.vectors.word_vectors import WordVectors

LARGEST_DIM = 1 << 20
"""Numbers of a vector; more is taken for a damaged file."""

_FEW = 0.01  # share of tokens that may be damaged before the file is taken to be in another encoding
_GROWTH = 1.25


class Collector:
    """Collects tokens and vectors, and leaves out repeated, damaged and unwanted ones.

    Memory grows with the rows that are kept, whatever the file says about its size.

    Parameters
    ----------
    source : str
        Name of the file, for messages.
    dim : int
    only : set of str, optional
        Tokens to keep, and their lower-case forms; all unless given.
    errors : {"strict", "surrogatepass"}
        How tokens are decoded from UTF-8.
    """

    def __init__(self, source: str, dim: int, only: AbstractSet[str] | None = None, *, errors: str = "strict") -> None:
        if not 0 < dim <= LARGEST_DIM:
            raise DataError(f"says that a vector has {dim:,} numbers; not a file of vectors", source=source)
        self.source, self.dim = source, dim
        self.n_seen = 0
        self._only, self._errors = only, errors
        self._wanted = None if only is None else only | {token.lower() for token in only}
        self._index: dict[str, int] = {}
        self._matrix: F32 = np.empty((0, dim), np.float32)
        self._n_filled, self._n_repeated, self._n_damaged = 0, 0, 0

    def choose(self, names: list[bytes]) -> list[int]:
        """Take in the tokens that shall be kept; gives their places in `names`."""
        self.n_seen += len(names)
        kept = []
        for place, token in enumerate(self._decode(names)):
            if token is None or (self._wanted is not None and token not in self._wanted):
                continue
            if token in self._index:
                self._n_repeated += 1
                continue
            self._index[token] = len(self._index)
            kept.append(place)
        return kept

    def room(self) -> F32:
        """Rows for the tokens taken in since the last call, to be filled before the next; shape (n_kept, dim)."""
        begin, end = self._n_filled, len(self._index)
        if end > len(self._matrix):
            self._matrix.resize((max(end, int(len(self._matrix) * _GROWTH)), self.dim), refcheck=False)
        self._n_filled = end
        return self._matrix[begin:end]

    def check_finite(self, vectors: F32, names: list[bytes]) -> None:
        """Refuse NaN and infinities; `names` are the tokens of the rows."""
        wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(wrong):
            name = names[wrong[0]].decode("utf-8", "replace")
            raise DataError(f"the vector of {name!r} has something that is not a finite number", source=self.source)

    def finish(self, *, info: Mapping[str, Any] | None = None, subwords: Subwords | None = None) -> WordVectors:
        """Make the vectors of all that was kept; with ``only``, `subwords` compose what is missing and are let go."""
        if self._n_damaged > _FEW * self.n_seen:
            raise DataError(
                f"{self._n_damaged:,} of {self.n_seen:,} tokens are not UTF-8; convert the file first, "
                "for example with iconv -f GB18030 -t UTF-8",
                source=self.source,
            )
        if self._only is not None and subwords is not None:
            self._compose(subwords)
            subwords = None
        if not self._index:
            what = "no vectors in it" if self._only is None else "has none of the tokens that are asked for"
            raise DataError(what, source=self.source)
        self._matrix.resize((len(self._index), self.dim), refcheck=False)
        return WordVectors(list(self._index), self._matrix, info=info, subwords=subwords, warnings=self._warnings())

    def _compose(self, subwords: Subwords) -> None:
        known, wanted = self._index, self._only or ()
        missing = sorted(token for token in wanted if token not in known and token.lower() not in known)
        vectors, found = subwords.compose(missing)
        self.check_finite(vectors, [token.encode("utf-8", "replace") for token in missing])
        for token, is_found in zip(missing, found.tolist(), strict=True):
            if is_found:
                known[token] = len(known)
        self.room()[:] = vectors[found]

    def _warnings(self) -> list[str]:
        told = {
            f"{self._n_repeated:,} tokens come again; the first vector of each is used": self._n_repeated,
            f"{self._n_damaged:,} tokens are not UTF-8 and were left out": self._n_damaged,
        }
        return [f"{self.source}: {message}" for message, count in told.items() if count]

    def _decode(self, names: list[bytes]) -> list[str | None]:
        try:
            return [name.decode("utf-8", self._errors) for name in names]
        except UnicodeDecodeError:
            tokens = [self._decode_one(name) for name in names]
            self._n_damaged += tokens.count(None)
            return tokens

    def _decode_one(self, name: bytes) -> str | None:
        try:
            return name.decode("utf-8", self._errors)
        except UnicodeDecodeError:
            return None
