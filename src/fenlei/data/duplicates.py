r"""Texts that say the same: equal, equal but for spaces and case, or nearly equal.

Near duplicates are texts whose sets of character 3-grams A and B, after normalisation, have a Jaccard
similarity

.. math:: J(A, B) = |A \cap B| / |A \cup B|

of at least a threshold. Comparing all pairs is out of the question, so candidates come from MinHash (Broder
1997, "On the resemblance and containment of documents"): under a random permutation of all 3-grams, the
smallest of A and the smallest of B are the same one with probability J. 128 permutations are cut into b
bands of r; two texts become candidates when all r values of some band agree, which happens with probability

.. math:: 1 - (1 - J^r)^b

(Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4). r is the largest that finds a
pair right at the threshold with probability 0.99 or more. Long texts of one language share many 3-grams, so
a candidate must also agree in about as many of all its MinHashes as the threshold asks (four standard
deviations fewer are allowed). What is left is compared exactly: nothing reported is below the threshold,
and at 0.8 about one pair in 500 is missed right at the threshold, hardly any above it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fenlei._codepoints import codepoints
from fenlei._threads import in_threads, n_threads
from fenlei.exceptions import SettingError

MIN_LENGTH = 8
"""Texts with fewer normalised characters are left out of the near search: one character is half of them."""

_PERMUTATIONS = 128
_RECALL = 0.99


def is_empty(text: str) -> bool:
    r"""Whether a text has nothing to show: only whitespace, control and invisible format characters.

    Examples
    --------
    >>> is_empty(" \u3000\u200b\n"), is_empty("!"), is_empty("好")
    (True, False, False)
    """
    return all(char.isspace() or unicodedata.category(char) in {"Cc", "Cf"} for char in text)


def normalised(text: str) -> str:
    r"""Fold case and remove all whitespace: what "the same text" means here.

    Examples
    --------
    >>> normalised("Very\tGood　很 好\n")
    'verygood很好'
    """
    return "".join(text.casefold().split())


def first_occurrences(keys: Sequence[Hashable]) -> list[int]:
    """For each key, the index of its first occurrence: its own index unless it repeats an earlier one.

    Examples
    --------
    >>> first_occurrences(["a", "b", "a"])
    [0, 1, 0]
    """
    first: dict[Hashable, int] = {}
    return [first.setdefault(key, i) for i, key in enumerate(keys)]


def near_duplicates(texts: Sequence[str], *, near: float = 0.8) -> list[list[int]]:
    """Group the texts that nearly repeat an earlier one.

    Parameters
    ----------
    texts : sequence of str
    near : float, default 0.8
        Smallest Jaccard similarity of the sets of character 3-grams, over 0 and at most 1.

    Returns
    -------
    list of list of int
        Groups of two or more indices, in order. The first of a group is the text to keep; each other one is
        at least `near` to it. A text near to several kept ones stands in one group only.

    Raises
    ------
    SettingError
        When `near` is out of its range.

    Examples
    --------
    >>> near_duplicates(["酒店的房间干净，服务不错", "书的内容很好看", "酒店的房间干净，服务不错！"])
    [[0, 2]]
    """
    leaders = NearIndex([normalised(text) for text in texts], near=near).leaders(np.arange(len(texts)))
    groups: dict[int, list[int]] = {}
    for i, leader in enumerate(leaders.tolist()):
        groups.setdefault(leader, []).append(i)
    return [group for group in groups.values() if len(group) > 1]


def choose_bands(near: float) -> tuple[int, int]:
    """Bands and rows per band for a threshold: the most rows that still find 99 % of the pairs right at it.

    Examples
    --------
    >>> choose_bands(0.8), choose_bands(0.5)
    ((21, 6), (42, 3))
    """
    if not 0 < near <= 1:
        raise SettingError(f"near must be over 0 and at most 1, not {near!r}")
    for rows in range(_PERMUTATIONS, 1, -1):
        bands = _PERMUTATIONS // rows
        if 1 - (1 - near**rows) ** bands >= _RECALL:
            return bands, rows
    return _PERMUTATIONS, 1


class NearIndex:
    """MinHash keys of many texts, to search for near duplicates among any subsets of them.

    Parameters
    ----------
    texts : sequence of str
        Normalised texts.
    near : float, default 0.8
        Smallest Jaccard similarity, over 0 and at most 1.

    Notes
    -----
    Memory is 4 bytes a character, 128 bytes a text and 8 bytes a text and band. The result does not depend on
    the number of threads. A text is compared exactly with at most 200 candidates, and by its MinHashes with at
    most 5,000.
    """

    def __init__(self, texts: Sequence[str], *, near: float = 0.8) -> None:
        self.near = near
        self._texts = texts
        bands, rows = choose_bands(near)
        self._codes, self._offsets = codepoints(texts)
        self._long_enough = np.diff(self._offsets) >= MIN_LENGTH
        self._keys, self._sketches = self._minhashes(bands, rows)
        expected, spread = bands * rows * near, (bands * rows * near * (1 - near)) ** 0.5
        self._enough = expected - 4 * spread

    def _minhashes(self, bands: int, rows: int) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
        from fenlei.data._minhash import band_keys

        random = np.random.default_rng(20_240_229)  # fixed: the same texts give the same answer
        multipliers = random.integers(0, 2**31, bands * rows, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
        increments = random.integers(0, 2**32, bands * rows, dtype=np.uint32)
        keys = np.empty((bands, len(self._long_enough)), dtype=np.uint64)
        sketches = np.empty((len(self._long_enough), bands * rows), dtype=np.uint8)

        def fill(start: int, stop: int) -> None:
            band_keys(self._codes, self._offsets, start, stop, multipliers, increments, keys, sketches)

        _in_threads(fill, len(self._long_enough))
        return keys, sketches

    def leaders(self, rows: ArrayLike, groups: ArrayLike | None = None) -> NDArray[np.int64]:
        """For each text of `rows`, the kept one that it nearly repeats, or itself.

        Texts are taken in the order of `rows`; one that is near to a text kept so far is not kept.

        Parameters
        ----------
        rows : array of int, shape (n_rows,)
            Indices of the texts to look at.
        groups : array of int, shape (n_rows,), optional
            Only texts of the same group, such as those with the same label, are compared.

        Returns
        -------
        array of int, shape (n_rows,)
            Indices of texts.
        """
        from fenlei.data._minhash import find_leaders

        every = _indices(rows)
        grouped = np.zeros(len(every), dtype=np.int64) if groups is None else _indices(groups)
        result, searched = every.copy(), self._long_enough[every]
        chosen, grouped = every[searched], grouped[searched]
        leaders = np.empty(len(chosen), dtype=np.int64)
        apart = grouped.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # another number for each group
        previous = np.stack([_previous_equal(keys[chosen] ^ apart) for keys in self._keys])
        find_leaders(
            *(self._codes, self._offsets, chosen, previous),
            *(self._sketches, self._enough, self.near, leaders),
        )
        result[searched] = chosen[leaders]
        return result

    def matches(self, queries: ArrayLike, references: ArrayLike) -> NDArray[np.int64]:
        """For each text of `queries`, one of `references` that it is near to, or -1.

        Parameters
        ----------
        queries, references : array of int
            Indices of texts.

        Returns
        -------
        array of int, shape (n_queries,)
        """
        from fenlei.data._minhash import find_matches

        every, pool = _indices(queries), _indices(references)
        result, searched = np.full(len(every), -1, dtype=np.int64), self._long_enough[every]
        chosen = every[searched]
        candidates, low, high = self._buckets(chosen, self._distinct(pool[self._long_enough[pool]]))
        matches = np.empty(len(chosen), dtype=np.int64)

        def find(start: int, stop: int) -> None:
            find_matches(
                *(self._codes, self._offsets, chosen, candidates, low, high),
                *(self._sketches, self._enough, self.near, start, stop, matches),
            )

        _in_threads(find, len(chosen))
        result[searched] = matches
        return result

    def _distinct(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """First row of each text: copies would use up the comparisons of a text without a chance to match."""
        return rows[np.unique(_indices(first_occurrences([self._texts[row] for row in rows])))]

    def _buckets(
        self, queries: NDArray[np.int64], references: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Sort the references by key in each band, and find the part of them that has each query's key."""
        candidates = np.empty((len(self._keys), len(references)), dtype=np.int64)
        low, high = (np.empty((len(self._keys), len(queries)), dtype=np.int64) for _ in range(2))
        for band, keys in enumerate(self._keys):
            order = np.argsort(keys[references], kind="stable")
            candidates[band], known = references[order], keys[references][order]
            low[band] = np.searchsorted(known, keys[queries], side="left")
            high[band] = np.searchsorted(known, keys[queries], side="right")
        return candidates, low, high


def _indices(values: ArrayLike) -> NDArray[np.int64]:
    return np.asarray(values, dtype=np.int64)


def _previous_equal(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Position of the last equal key before each, or -1."""
    order = np.argsort(keys, kind="stable")
    previous = np.full(len(keys), -1, dtype=np.int64)
    same = keys[order[1:]] == keys[order[:-1]]
    previous[order[1:][same]] = order[:-1][same]
    return previous


def _in_threads(work: Callable[[int, int], None], count: int) -> None:
    """Run ``work(start, stop)`` over the ranges of `count` things, one range a processor."""
    edges = np.linspace(0, count, n_threads() + 1).astype(int).tolist()
    in_threads(lambda part: work(*part), list(pairwise(edges)))
