"""TF-IDF over n-grams."""

from __future__ import annotations

from typing import Any

import numpy as np

from fenlei.exceptions import SettingError
from fenlei.features._types import F32
from fenlei.features.ngrams import NgramCounts, Rows


class TfidfFeatures(NgramCounts):
    r"""Weigh n-gram counts by how telling they are.

    For an n-gram that stands :math:`t` times in a text and in :math:`d` of :math:`n` texts, the weight is
    :math:`(1 + \ln t)(1 + \ln((1 + n) / (1 + d)))`; each row is then divided by its Euclidean norm. The formula is
    scikit-learn's ``TfidfVectorizer(sublinear_tf=True)``, after Salton and Buckley, "Term-weighting approaches in
    automatic text retrieval", Information Processing & Management 24, 1988.

    Parameters
    ----------
    ngrams, char_ngrams, boundaries, lowercase, min_df, max_df, max_features
        See `NgramCounts`.
    tf : {"log", "count", "binary"}, default="log"
        The first factor: :math:`1 + \ln t`, :math:`t`, or 1.
    idf : bool, default=True
        Whether to apply the second factor.
    char_weight : float, default=0.5
        Factor on the n-grams inside words, of which there are many more than of words. ``docs/tfidf.md``
        shows what 1.0 costs.
    norm : bool, default=True
        Whether to divide each row by its norm.

    Examples
    --------
    >>> features = TfidfFeatures(ngrams=(1, 1), char_ngrams=None)
    >>> features.fit_transform(["好看", "好"]).toarray().astype(float).round(3).tolist()
    [[0.58, 0.815], [1.0, 0.0]]
    """

    def __init__(
        self,
        *,
        ngrams: tuple[int, int] = (1, 3),
        char_ngrams: tuple[int, int] | None = (2, 5),
        boundaries: bool = True,
        lowercase: bool = True,
        min_df: float | None = None,
        max_df: float = 1.0,
        max_features: int | None = None,
        tf: str = "log",
        idf: bool = True,
        char_weight: float = 0.5,
        norm: bool = True,
    ) -> None:
        super().__init__(
            ngrams=ngrams, char_ngrams=char_ngrams, boundaries=boundaries, lowercase=lowercase,
            min_df=min_df, max_df=max_df, max_features=max_features,
        )  # fmt: skip
        self.tf = tf
        self.idf = idf
        self.char_weight = char_weight
        self.norm = norm

    def factors(self) -> F32:
        """Factor of each column that does not depend on the text; shape (n_features,)."""
        if getattr(self, "_factors_of", None) is not self.hashes_:
            self._factors, self._factors_of = self._make_factors(), self.hashes_
        return self._factors

    def _make_factors(self) -> F32:
        factors = np.where(self.is_part_, self.char_weight, 1.0)
        if self.idf:
            factors *= 1 + np.log((1 + self.n_documents_) / (1 + self.document_counts_))
        return factors.astype(np.float32)

    def _weigh(self, rows: Rows) -> Rows:
        return weigh(rows, self.tf, self.factors(), norm=self.norm)


def weigh(rows: Rows, tf: str, factors: F32 | None, *, norm: bool) -> Rows:
    """Turn counts into weights: the chosen function of the count, times the column's factor, over the row's norm."""
    if tf not in ("log", "count", "binary"):
        raise SettingError(f"tf must be 'log', 'count' or 'binary'; got {tf!r}")
    values: Any = rows.values
    if tf == "binary":
        values = np.ones_like(values)
    elif tf == "log":
        values = np.log(values) + np.float32(1)
    if factors is not None:
        values = values * factors[rows.columns]
    if norm:
        values = values / np.repeat(_norms(rows, values), np.diff(rows.bounds))
    return rows._replace(values=values.astype(np.float32, copy=False))


def _norms(rows: Rows, values: F32) -> F32:
    squares = np.append(values * values, np.float32(0))  # a part of its own: every sum is that of its row alone
    sums = np.add.reduceat(squares, rows.bounds)[:-1]
    return np.sqrt(np.where((rows.bounds[1:] > rows.bounds[:-1]) & (sums > 0), sums, 1)).astype(np.float32)
