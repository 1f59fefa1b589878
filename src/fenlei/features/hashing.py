"""N-grams without a vocabulary: the hash of an n-gram is its column."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fenlei.exceptions import SettingError
from fenlei.features._types import U64
from fenlei.features.documents import check_documents
from fenlei.features.ngrams import NgramCounts, Rows
from fenlei.features.tfidf import weigh


class HashingFeatures(NgramCounts):
    """Features that learn nothing, for texts that come in parts or do not fit in memory.

    Weinberger, Dasgupta, Langford, Smola, Attenberg, "Feature Hashing for Large Scale Multitask Learning", ICML 2009,
    without their sign: with a few hundred n-grams a text in a million columns, collisions are rare.

    Parameters
    ----------
    bits : int, default=20
        The matrix has ``2 ** bits`` columns, 8 to 26.
    ngrams, char_ngrams, boundaries, lowercase
        See `NgramCounts`.
    tf, norm
        See `TfidfFeatures`; there is no inverse document frequency, since nothing is counted beforehand.

    Examples
    --------
    >>> HashingFeatures(bits=10).transform(["很好", "good"]).shape
    (2, 1024)
    """

    def __init__(
        self,
        *,
        bits: int = 20,
        ngrams: tuple[int, int] = (1, 3),
        char_ngrams: tuple[int, int] | None = (2, 5),
        boundaries: bool = True,
        lowercase: bool = True,
        tf: str = "log",
        norm: bool = True,
    ) -> None:
        super().__init__(ngrams=ngrams, char_ngrams=char_ngrams, boundaries=boundaries, lowercase=lowercase)
        self.bits = bits
        self.tf = tf
        self.norm = norm

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the settings; there is nothing to learn."""
        self.check_settings()
        return self

    def fit_rows(self, X: Any) -> Rows:
        """`transform` without scipy."""
        return self.fit(X).rows(X)

    def rows(self, X: Any) -> Rows:
        """`transform` without scipy."""
        self.check_settings()
        return self._weigh(self._count(self._blocks(check_documents(X)), self._spans(), naming=False)[0])

    @property
    def n_features_(self) -> int:
        """Number of columns."""
        return 1 << self.bits

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name each column by its number; shape (n_features,)."""
        return np.array([f"hash{column}" for column in range(self.n_features_)], dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        """Say that it is always ready."""
        return True

    def check_settings(self) -> None:
        """Refuse settings that are out of their range."""
        self._spans()
        if not isinstance(self.bits, int) or not 8 <= self.bits <= 26:
            raise SettingError(f"the number of hash bits must be a whole number from 8 to 26; got {self.bits!r}")

    def _weigh(self, rows: Rows) -> Rows:
        return weigh(rows, self.tf, None, norm=self.norm)

    def _table(self) -> U64:
        return np.zeros((0, 2), np.uint64)
