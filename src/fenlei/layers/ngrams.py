"""N-grams of token ids as rows of a table; without torch, so that an exported model makes the same ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fenlei.features._types import I32


class HashedNgrams(NamedTuple):
    """How n-grams get their rows.

    Attributes
    ----------
    first_bucket : int
        The row of the first n-gram; before it are those of the tokens.
    buckets : int
        How many rows the n-grams have.
    most : int
        Most tokens of an n-gram, 2 or more.
    """

    first_bucket: int
    buckets: int
    most: int

    def rows(self, ids: NDArray[Any]) -> I32:
        """Give the rows of the tokens and n-grams of a padded batch of shape (n_texts, longest), 0 beyond the end.

        Examples
        --------
        >>> HashedNgrams(10, 100, most=2).rows(np.array([[7, 8], [7, 0]]))[1].tolist()
        [7, 0, 0, 0]
        """
        from fenlei.layers._ngrams import hashed_ngrams

        return hashed_ngrams(ids.astype(np.int32), (ids != 0).sum(1), *self)
