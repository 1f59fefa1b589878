"""Tokens and their vectors: look-up, nearest neighbours, analogies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from fenlei.exceptions import DataError, SettingError
from fenlei.features._types import F32, I64
from fenlei.vectors.spelling import unknown_word
from fenlei.vectors.subwords import Subwords

Found = np.ndarray[Any, np.dtype[np.bool_]]


class Neighbour(NamedTuple):
    """A word and how near it is.

    Attributes
    ----------
    word : str
    similarity : float in [-1, 1]
        Cosine of the angle between the two vectors.
    """

    word: str
    similarity: float


class WordVectors:
    """A vector for each of many tokens.

    Parameters
    ----------
    tokens : sequence of str, shape (n_tokens,)
        Each once; the most frequent first where that is known.
    matrix : array of float, shape (n_tokens, dim)
        Kept as float32, without a copy where it is that already.
    info : mapping, optional
        How they came about, as JSON values: method, corpus, preparation of the texts.
    subwords : Subwords, optional
        What makes vectors of tokens that are not among `tokens`.
    warnings : sequence of str
        What a reader noticed that a user should know.

    Attributes
    ----------
    tokens, matrix, info, subwords, warnings
        As given; `tokens` is a list, `info` a dictionary.

    Examples
    --------
    >>> vectors = WordVectors(["好", "棒", "差"], [[1, 0.2], [1, 0.4], [-1, 0]])
    >>> vectors.nearest("好", top=1)
    [Neighbour(word='棒', similarity=0.9832820892333984)]
    >>> matrix, found = vectors.rows_of(["差", "新"])
    >>> matrix.tolist(), found.tolist()
    ([[-1.0, 0.0], [0.0, 0.0]], [True, False])
    """

    def __init__(
        self,
        tokens: Sequence[str],
        matrix: Any,
        *,
        info: Mapping[str, Any] | None = None,
        subwords: Subwords | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        self.tokens = list(tokens)
        self.matrix: F32 = np.ascontiguousarray(matrix, np.float32)
        self.info = dict(info or {})
        self.subwords = subwords
        self.warnings = tuple(warnings)
        self._index = {token: place for place, token in enumerate(self.tokens)}
        self._check()

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        """Whether it is one of `tokens`, letter for letter."""
        return token in self._index

    def __getitem__(self, word: str) -> F32:
        """Vector of a word, looked up as `rows_of` does; shape (dim,)."""
        matrix, found = self.rows_of([word])
        if not found[0]:
            raise unknown_word(word, self.tokens)
        return matrix[0]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self):,} tokens, {self.dim} dimensions>"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.matrix.shape[1])

    def rows_of(self, tokens: Sequence[str]) -> tuple[F32, Found]:
        """Vectors for a vocabulary: what the embedding of a network starts from.

        A token is looked up as it is, then in lower case; then, where there are `subwords`, its vector is composed.

        Parameters
        ----------
        tokens : sequence of str, shape (n,)

        Returns
        -------
        matrix : array of float32, shape (n, dim)
            A new array; zeros where nothing was found.
        found : array of bool, shape (n,)
        """
        places = np.fromiter(map(self._place, tokens), np.int64, len(tokens))
        found = places >= 0
        matrix = np.zeros((len(tokens), self.dim), np.float32)
        matrix[found] = self.matrix[places[found]]
        if self.subwords is not None and not found.all():
            missing = np.flatnonzero(~found).tolist()
            matrix[missing], found[missing] = self.subwords.compose([tokens[i] for i in missing])
        return matrix, found

    def coverage(self, tokens: Sequence[str], counts: Sequence[int] | None = None) -> float:
        """Share of `tokens` that `rows_of` finds, each weighing as much as its count.

        Examples
        --------
        >>> WordVectors(["好"], [[1.0]]).coverage(["好", "新"], counts=[3, 1])
        0.75
        """
        weights = np.ones(len(tokens)) if counts is None else np.asarray(counts, float)
        if weights.shape != (len(tokens),):
            raise SettingError(f"expected {len(tokens):,} counts, one a token; got the shape {weights.shape}")
        total = float(weights.sum())
        return float(weights[self.rows_of(tokens)[1]].sum()) / total if total else 0.0

    def nearest(self, word: str, top: int = 10) -> list[Neighbour]:
        """Tokens with the most similar vectors, nearest first, without the word itself.

        Raises
        ------
        UnknownWordError
            When there is no vector of `word`; names the nearest spellings.
        """
        return self.nearest_to_sum([word], (), top)

    def nearest_to_sum(self, plus: Sequence[str], minus: Sequence[str] = (), top: int = 10) -> list[Neighbour]:
        """Tokens nearest to the sum of words less other words, all of length 1; without these words.

        Examples
        --------
        >>> vectors = WordVectors(["man", "king", "woman", "queen"], [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1]])
        >>> vectors.nearest_to_sum(["king", "woman"], ["man"], top=1)[0].word
        'queen'
        """
        total = np.zeros(self.dim, np.float32)
        for sign, words in ((1, plus), (-1, minus)):
            for word in words:
                total += sign * _unit(self[word])
        return self.nearest_to_vector(total, top, without=[*plus, *minus])

    def nearest_to_vector(self, vector: Any, top: int = 10, *, without: Sequence[str] = ()) -> list[Neighbour]:
        """Tokens whose vectors point most in the direction of `vector`, nearest first.

        Parameters
        ----------
        vector : array of float, shape (dim,)
        top : int, default=10
            Number of tokens, positive.
        without : sequence of str
            Tokens to leave out.
        """
        if not isinstance(top, int) or top < 1:
            raise SettingError(f"top must be a positive whole number; got {top!r}")
        aim = _unit(np.asarray(vector, np.float32))
        if aim.shape != (self.dim,):
            raise SettingError(f"expected a vector of {self.dim} numbers; got the shape {aim.shape}")
        scores = self.matrix @ aim / self._norms
        scores[[place for place in map(self._place, without) if place >= 0]] = -np.inf
        return [Neighbour(self.tokens[i], float(scores[i])) for i in _best(scores, top) if scores[i] > -np.inf]

    def analogy(self, a: str, b: str, c: str, top: int = 1) -> list[Neighbour]:
        """Find what is to `c` as `b` is to `a`: the words nearest to b - a + c, all of length 1 (3CosAdd).

        The three words themselves are left out.

        References
        ----------
        T. Mikolov, W. Yih, G. Zweig, "Linguistic Regularities in Continuous Space Word Representations", NAACL 2013.

        Examples
        --------
        >>> vectors = WordVectors(["man", "king", "woman", "queen"], [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1]])
        >>> vectors.analogy("man", "king", "woman")[0].word
        'queen'
        """
        return self.nearest_to_sum([b, c], [a], top)

    def places(self, tokens: Sequence[str]) -> list[int]:
        """Rows of `matrix` where tokens, or their lower-case forms, are; -1 for others."""
        return [self._place(token) for token in tokens]

    def unit_matrix(self) -> F32:
        """Make a copy of `matrix` with each row brought to length 1; rows of zeros stay so."""
        return self.matrix / self._norms[:, None]

    @cached_property
    def _norms(self) -> F32:
        norms: F32 = np.sqrt(np.einsum("ij,ij->i", self.matrix, self.matrix))
        norms[norms == 0] = 1  # a vector of zeros is near to nothing
        return norms

    def _place(self, token: str) -> int:
        place = self._index.get(token)
        return self._index.get(token.lower(), -1) if place is None else place

    def _check(self) -> None:
        if self.matrix.ndim != 2 or len(self.matrix) != len(self.tokens) or not self.matrix.size:
            raise SettingError(
                f"expected a matrix of {len(self.tokens):,} rows, one a token, and one column or more; "
                f"got the shape {self.matrix.shape}"
            )
        if len(self._index) != len(self.tokens):
            raise DataError("a token has two vectors; keep one of them")
        if self.subwords is not None and self.subwords.matrix.shape[1] != self.dim:
            raise SettingError(
                f"the vectors of n-grams have {self.subwords.matrix.shape[1]} numbers, those of words {self.dim}"
            )


def _unit(vector: F32) -> F32:
    norm = np.linalg.norm(vector)
    return vector / norm if norm else vector


def _best(scores: F32, top: int) -> I64:
    """Places of the highest scores, highest first, and the first of equals first."""
    if top < len(scores):
        lowest = np.partition(scores, len(scores) - top)[len(scores) - top]
        places = np.flatnonzero(scores >= lowest)
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:top]
