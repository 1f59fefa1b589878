"""Bags of n-grams: of tokens, and of the characters inside words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fenlei._estimator import Transformer
from fenlei._threads import in_threads, n_threads
from fenlei.exceptions import DataError, ModelFolderError, SettingError
from fenlei.features._types import F32, I32, I64, U64
from fenlei.features.alphabet import kinds
from fenlei.features.documents import Documents, check_documents, cut, fold_table, share_out

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from fenlei.features._ngrams import Tokens


class Rows(NamedTuple):
    """Rows of a sparse matrix: row i has ``columns[bounds[i]:bounds[i + 1]]`` with these `values`."""

    bounds: I64
    columns: I32
    values: F32

    def csr(self, n_columns: int) -> csr_matrix:
        """Return the same as a scipy matrix of shape (n_rows, n_columns)."""
        from scipy.sparse import csr_matrix

        matrix = csr_matrix((self.values, self.columns, self.bounds), shape=(len(self.bounds) - 1, n_columns))
        matrix.sort_indices()
        return matrix


class NgramCounts(Transformer):
    """Count the n-grams of each text.

    Texts come in as strings, and are cut without a flag for the language: characters of unspaced scripts, punctuation
    and symbols stand alone (and so does a space beside an unspaced script), letters and digits of other scripts run
    together into words. Or they come in as lists of tokens from a segmenter.

    Parameters
    ----------
    ngrams : (int, int), default=(1, 3)
        Fewest and most tokens of an n-gram.
    char_ngrams : (int, int) or None, default=(2, 5)
        Fewest and most characters of the n-grams inside words, the boundaries before and after a word counted as
        characters. They touch words of spaced scripts only.
    boundaries : bool, default=True
        Let n-grams of two tokens and more see where a text begins and ends.
    lowercase : bool, default=True
        Count "Good" and "good" as one.
    min_df : int, float or None, default=None
        Drop n-grams that stand in fewer texts than this number (int) or share (float) of the texts. None is 2 from
        1,000 texts on and 1 below.
    max_df : int or float, default=1.0
        Drop n-grams that stand in more texts than this number or share.
    max_features : int or None, default=None
        Keep the most frequent n-grams only.

    Attributes
    ----------
    vocabulary_ : list of str
        The n-gram of each column, by falling number of texts. ``^`` and ``$`` are a text's boundaries, a middle dot
        stands where a word goes on.
    document_counts_ : array of shape (n_features,)
        Number of texts that each n-gram stands in.
    is_part_ : array of bool, shape (n_features,)
        Which columns are n-grams inside words.
    n_documents_ : int

    Examples
    --------
    >>> counts = NgramCounts(ngrams=(1, 2), char_ngrams=None, boundaries=False)
    >>> counts.fit_transform(["好看good", "好听"]).toarray().astype(int).sum(axis=0).tolist()
    [2, 1, 1, 1, 1, 1, 1]
    >>> sorted(counts.vocabulary_)
    ['good', '听', '好', '好听', '好看', '看', '看good']
    """

    _names: list[str] | bytes

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
    ) -> None:
        self.ngrams = ngrams
        self.char_ngrams = char_ngrams
        self.boundaries = boundaries
        self.lowercase = lowercase
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the vocabulary.

        Parameters
        ----------
        X : sequence of str or of list of str, shape (n_samples,)

        Raises
        ------
        DataError
            When no n-gram is left.
        """
        self.fit_rows(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> csr_matrix:
        """Learn the vocabulary and count, cutting the texts once."""
        return self.fit_rows(X).csr(self.n_features_)

    def transform(self, X: Any) -> csr_matrix:
        """Count the known n-grams; shape (n_samples, n_features), float32."""
        return self.rows(X).csr(self.n_features_)

    def fit_rows(self, X: Any) -> Rows:
        """`fit_transform` without scipy."""
        spans = self._spans()
        documents = check_documents(X)
        blocks = self._blocks(documents)
        self._learn_columns(blocks, spans)
        counted, places = self._count(blocks, spans, naming=True)
        self.is_part_ = np.any([where[:, 1] < 0 for where in places], axis=0)
        self._names = _spell(blocks, places, self.n_features_, spaced=isinstance(documents[0], list))
        return self._weigh(counted)

    def rows(self, X: Any) -> Rows:
        """`transform` without scipy, whose import takes a quarter of a second."""
        self._check_fitted("hashes_")
        return self._weigh(self._count(self._blocks(check_documents(X)), self._spans(), naming=False)[0])

    @property
    def vocabulary_(self) -> list[str]:
        """The n-gram of each column; a loaded model parses it only now, since a prediction never asks."""
        self._check_fitted("_names")
        names = self._names  # read once: another thread may be parsing too
        if isinstance(names, bytes):
            names = self._names = _parse_names(names, self.n_features_)
        return names

    def restore(self, arrays: Mapping[str, NDArray[Any]], vocabulary: bytes) -> None:
        """Take back what was learned, the vocabulary as JSON; raises ValueError when it does not fit together."""
        hashes = arrays["hashes"]
        parts = {"document_counts": np.int64, "is_part": np.uint8}
        if hashes.dtype != np.uint64 or hashes.ndim != 1:
            raise ValueError("the hashes are not a row of 64-bit numbers")
        for name, kind in parts.items():
            if arrays[name].shape != hashes.shape or arrays[name].dtype != kind:
                raise ValueError(f"{name} does not fit the vocabulary")
        if arrays["n_documents"].shape != (1,):
            raise ValueError("n_documents is not one number")
        self.hashes_ = hashes
        self.document_counts_ = arrays["document_counts"]
        self.is_part_ = arrays["is_part"].astype(bool)
        self.n_documents_ = int(arrays["n_documents"][0])
        self._names = vocabulary

    @property
    def n_features_(self) -> int:
        """Number of columns."""
        return len(self.hashes_)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name each column by its n-gram; shape (n_features,)."""
        return np.array(self.vocabulary_, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether the vocabulary is learned."""
        return hasattr(self, "hashes_")

    def _weigh(self, rows: Rows) -> Rows:
        return rows

    def check_settings(self) -> None:
        """Refuse settings that are out of their range."""
        self._spans()
        self._most_features()
        self._bounds(1)

    def _spans(self) -> tuple[int, int, int, int]:
        low, high = _span("ngrams", self.ngrams)
        char_low, char_high = (0, 0) if self.char_ngrams is None else _span("char_ngrams", self.char_ngrams)
        return low, high, char_low, char_high

    def _blocks(self, documents: Documents) -> list[Tokens]:
        fold = fold_table(lowercase=self.lowercase)
        return in_threads(lambda part: cut(part, fold, boundaries=self.boundaries), share_out(documents))

    def _learn_columns(self, blocks: list[Tokens], spans: tuple[int, int, int, int]) -> None:
        n_documents = sum(len(block.bounds) - 1 for block in blocks)
        hashes, counts = _document_counts(blocks, spans)
        low, high = self._bounds(n_documents)
        kept = (counts >= low) & (counts <= high)
        hashes, counts = hashes[kept], counts[kept]
        order = np.lexsort((hashes, -counts))[: self._most_features()]
        if not len(order):
            raise DataError(
                f"no n-gram stands in {low} to {high} of the {n_documents} texts; widen min_df and max_df, "
                "or give more text"
            )
        self.hashes_, self.document_counts_, self.n_documents_ = hashes[order], counts[order], n_documents

    def _most_features(self) -> int | None:
        most = self.max_features
        if most is not None and (not isinstance(most, int | np.integer) or most < 1):
            raise SettingError(f"max_features must be None or a whole number above 0; got {most!r}")
        return most

    def _bounds(self, n_documents: int) -> tuple[int, int]:
        least: float = (2 if n_documents >= 1000 else 1) if self.min_df is None else self.min_df
        return _document_bound("min_df", least, n_documents), _document_bound("max_df", self.max_df, n_documents)

    def _count(self, blocks: list[Tokens], spans: tuple[int, int, int, int], *, naming: bool) -> tuple[Rows, list[I32]]:
        from fenlei.features import _ngrams

        table = self._table()
        n = self.n_features_
        places = [np.zeros((n if naming else 0, 2), np.int32) for _ in blocks]
        found = in_threads(
            lambda job: _ngrams.count_rows(table, n, job[0], kinds(), spans, job[1]),
            list(zip(blocks, places, strict=True)),
        )
        return _stack([Rows(*rows) for rows in found]), places

    def _table(self) -> U64:
        from fenlei.features import _ngrams

        if getattr(self, "_table_of", None) is not self.hashes_:
            self._column_table, self._table_of = _ngrams.column_table(self.hashes_), self.hashes_
        return self._column_table


def _parse_names(raw: bytes, n: int) -> list[str]:
    try:
        names = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(f"the vocabulary is not JSON: {error}") from error
    if not isinstance(names, list) or len(names) != n:
        raise ModelFolderError(f"the vocabulary is not a list of {n} n-grams")
    return [str(name) for name in names]


def _document_counts(blocks: list[Tokens], spans: tuple[int, int, int, int]) -> tuple[U64, I64]:
    """Every n-gram's hash and its number of texts; each thread counts its own part of the hash space."""
    parts = n_threads()
    tables = in_threads(lambda part: _count_part(blocks, spans, part, parts), list(range(parts)))
    entries = np.concatenate([table[table[:, 0] != 0] for table in tables])
    return entries[:, 0], (entries[:, 1] >> np.uint64(32)).astype(np.int64)


def _count_part(blocks: list[Tokens], spans: tuple[int, int, int, int], part: int, parts: int) -> U64:
    from fenlei.features import _ngrams

    table, used, first_text = np.zeros((1 << 12, 2), np.uint64), 0, 0
    for block in blocks:
        table, used = _ngrams.count_documents(table, used, block, kinds(), spans, first_text, part, parts)
        first_text += len(block.bounds) - 1
    return table


def _spell(blocks: list[Tokens], places: list[I32], n: int, *, spaced: bool) -> list[str]:
    from fenlei.features import _ngrams

    names = np.empty(n, dtype=object)
    named = np.zeros(n, dtype=bool)
    for block, where in zip(blocks, places, strict=True):
        columns = np.flatnonzero((where[:, 1] != 0) & ~named)
        codes = _ngrams.spell(block, kinds(), where, columns, spaced)
        spelled = codes.tobytes().decode("utf-32-le", "surrogatepass").split("\n")[:-1]
        names[columns] = spelled
        named[columns] = True
    return list(names)


def _stack(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0] + [len(part.columns) for part in parts])
    bounds = [part.bounds[:-1] + start for part, start in zip(parts, starts, strict=False)]
    return Rows(
        np.concatenate([*bounds, starts[-1:]]).astype(np.int64),
        np.concatenate([part.columns for part in parts]) if parts else np.empty(0, np.int32),
        np.concatenate([part.values for part in parts]) if parts else np.empty(0, np.float32),
    )


def _span(name: str, value: Any) -> tuple[int, int]:
    wanted = f"{name} must be two whole numbers, fewest and most, between 1 and 16; got {value!r}"
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise SettingError(wanted)
    low, high = value
    if not all(isinstance(number, int | np.integer) for number in value) or not 1 <= low <= high <= 16:
        raise SettingError(wanted)
    return int(low), int(high)


def _document_bound(name: str, value: Any, n_documents: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value < np.inf:
        raise SettingError(f"{name} must be a number of texts, or a share of them between 0.0 and 1.0; got {value!r}")
    if isinstance(value, int | np.integer):
        return int(value)
    if value > 1:
        raise SettingError(f"{name} is a share when it has a decimal point, so at most 1.0; got {value!r}")
    return int(np.ceil(value * n_documents)) if name == "min_df" else int(value * n_documents)
