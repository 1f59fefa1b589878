"""Every n-gram of one text, and where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from fenlei.features._types import I64
from fenlei.features.alphabet import kinds
from fenlei.features.ngrams import NgramCounts

if TYPE_CHECKING:
    from fenlei.features._ngrams import Tokens
    from fenlei.features.documents import Documents


class Occurrences(NamedTuple):
    """The known n-grams of a text, one an occurrence.

    Attributes
    ----------
    columns : (n,) column of each among the features
    begins, ends : (n,) its first character and the one after its last; boundaries are no characters
    """

    columns: I64
    begins: I64
    ends: I64


def occurrences(features: NgramCounts, document: str | list[str]) -> Occurrences:
    """Find each occurrence of each n-gram that `features` knows.

    Parameters
    ----------
    features : NgramCounts
        Fitted.
    document : str or list of str
        A text; of a list of tokens the characters count from the first of the first to the last of the last.

    Examples
    --------
    >>> counts = NgramCounts(ngrams=(1, 2), char_ngrams=None).fit(["好看", "好"])
    >>> found = occurrences(counts, "真好")
    >>> [(counts.vocabulary_[k], i, j) for k, i, j in zip(*(x.tolist() for x in found))]
    [('好', 1, 2), ('好$', 1, 2)]
    """
    from fenlei.features import _ngrams, _occurrences

    (block,) = features._blocks(cast("Documents", [document]))
    spans = features._spans()
    size = _ngrams.scratch_size(block, spans)
    ngrams, begin, end = np.empty(size, np.uint64), np.empty(size, np.int32), np.empty(size, np.int32)
    n = _ngrams.text_ngrams(block, kinds(), 0, spans, ngrams, begin, end)
    columns = _occurrences.find_columns(features._table(), features.n_features_, ngrams[:n])
    begins, ends = _extents(block, begin[:n].astype(np.int64), end[:n].astype(np.int64))
    known = columns >= 0
    return Occurrences(columns[known], begins[known], ends[known])


def _extents(tokens: Tokens, begin: I64, end: I64) -> tuple[I64, I64]:
    """Turn the places that `text_ngrams` writes into characters."""
    of_tokens = end > 0
    first, last = np.where(of_tokens, begin, 0), np.where(of_tokens, end - 1, 0)
    closing = -end - 1
    begins = np.where(of_tokens, tokens.begins[first], begin // 2 + begin % 2)
    ends = np.where(of_tokens, tokens.ends[last], closing // 2 + 1 - closing % 2)
    return begins, ends
