"""Vectors of words that were never seen, made from the vectors of their character n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fenlei.exceptions import SettingError


@dataclass(frozen=True, eq=False)
class Subwords:
    """What fastText learns besides the words: a vector for each bucket into which n-grams of characters are hashed.

    Parameters
    ----------
    matrix : array of float32, shape (n_buckets, dim)
    min_n, max_n : int
        Characters of an n-gram; the marks "<" and ">" around a word count.

    References
    ----------
    P. Bojanowski, E. Grave, A. Joulin, T. Mikolov, "Enriching Word Vectors with Subword Information", TACL 2017.
    """

    matrix: NDArray[np.float32]
    min_n: int
    max_n: int

    def __post_init__(self) -> None:
        """Check what the compiled loops rely on."""
        if self.matrix.ndim != 2 or self.matrix.dtype != np.float32:
            raise SettingError("vectors of n-grams are a matrix of float32")
        if not isinstance(self.min_n, int) or not isinstance(self.max_n, int):
            raise SettingError(f"min_n and max_n are whole numbers; got {self.min_n!r} and {self.max_n!r}")

    def compose(self, tokens: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Make a vector for each token: the mean of its n-grams' vectors.

        Returns
        -------
        vectors : array of float32, shape (n_tokens, dim)
        found : array of bool, shape (n_tokens,)
            False for a token too short to have an n-gram.

        Examples
        --------
        >>> import numpy as np
        >>> vectors, found = Subwords(np.ones((5, 2), np.float32), 3, 4).compose(["好看", ""])
        >>> vectors.tolist(), found.tolist()
        ([[1.0, 1.0], [0.0, 0.0]], [True, False])
        """
        vectors = np.zeros((len(tokens), self.matrix.shape[1]), np.float32)
        counts = self.add_to(vectors, tokens)
        vectors /= np.maximum(counts, 1)[:, None]
        return vectors, counts > 0

    def add_to(self, vectors: NDArray[np.float32], tokens: Sequence[str]) -> NDArray[np.int64]:
        """Add the n-grams' vectors of each token to its row, and count them; shape (n_tokens,)."""
        from fenlei.vectors._subwords import compose

        marked = [f"<{token}>".encode("utf-8", "surrogatepass") for token in tokens]
        bounds = np.zeros(len(marked) + 1, np.int64)
        np.cumsum([len(word) for word in marked], out=bounds[1:])
        if not len(self.matrix):
            return np.zeros(len(tokens), np.int64)
        letters = np.frombuffer(b"".join(marked), np.uint8)
        return compose(letters, bounds, self.min_n, self.max_n, self.matrix, vectors)
