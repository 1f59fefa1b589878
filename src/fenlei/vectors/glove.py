r"""GloVe: word vectors whose products tell how often two words stand near each other.

For words :math:`i, j` that are near each other :math:`X_{ij}` times, each time counted 1 / distance, it minimises

.. math:: \sum_{ij} f(X_{ij}) \, (w_i \cdot \tilde w_j + b_i + \tilde b_j - \ln X_{ij})^2,
          \quad f(x) = \min(1, x / x_{max})^{3/4}

by AdaGrad, and gives :math:`w_i + \tilde w_i`.

The pairs are dealt out into tiles by blocks of words, and the tiles that are worked on at one time have no word in
common, so that threads never meet: the vectors are the same, to the bit, on any number of threads.

References
----------
J. Pennington, R. Socher, C. D. Manning, "GloVe: Global Vectors for Word Representation", EMNLP 2014. The tiles:
R. Gemulla et al., "Large-scale Matrix Factorization with Distributed Stochastic Gradient Descent", KDD 2011.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from fenlei.features._types import F32, I32, I64
from fenlei.features.sequences import Sequences

ALPHA = 0.75
_LARGE, _SMALL_X_MAX, _LARGE_X_MAX = 1_000_000_000, 10.0, 100.0  # tokens; the authors' choices for text8, and beyond
_PART_BITS = 4  # the pairs are counted in 2 ** 4 parts, so that no table is ever large
_FIRST_SLOTS = 1 << 14
_WORDS_IN_BLOCK, _FEWEST_BLOCKS, _MOST_BLOCKS = 512, 8, 64

Map = Callable[[Callable[[Any], Any], list[Any]], Iterator[Any]]


class Cooccurrences(NamedTuple):
    """How often words stand near each other; each pair once, the smaller id first.

    Attributes
    ----------
    rows, columns : array of int32, shape (n_pairs,)
    counts : array of float32, shape (n_pairs,)
    """

    rows: I32
    columns: I32
    counts: F32


def default_x_max(n_tokens: int) -> float:
    """Count from which a pair weighs fully: 100, or 10 for a corpus below a billion tokens.

    The paper has 100, for 6 to 42 billion tokens; its authors' demonstration has 10, for 17 million.
    """
    return _SMALL_X_MAX if n_tokens < _LARGE else _LARGE_X_MAX


def count_cooccurrences(sequences: Sequences, window: int, *, threads: int = 1) -> Cooccurrences:
    """Count the pairs of ids at most `window` apart in one text, each time as 1 / distance.

    Memory: 12 bytes a pair, and tables for a sixteenth of the pairs on each thread; `train_glove` takes 26 more a pair.

    Examples
    --------
    >>> rows, columns, counts = count_cooccurrences(Sequences.of([[0, 1, 0], [2]]), window=2)
    >>> sorted(zip(rows.tolist(), columns.tolist(), counts.tolist()))
    [(0, 0, 1.0), (0, 1, 2.0)]
    """

    def count(part: int) -> Cooccurrences:
        return _count_part(sequences, window, part)

    with _pool(threads) as run:
        parts = list(run(count, list(range(1 << _PART_BITS))))
    return Cooccurrences(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _count_part(sequences: Sequences, window: int, part: int) -> Cooccurrences:
    from fenlei.vectors import _glove

    keys = np.zeros(max(_FIRST_SLOTS, 1 << (4 * window).bit_length()), np.uint64)
    sums = np.zeros(len(keys))
    at, used = 0, 0
    while True:
        at, used = _glove.count_pairs(sequences.ids, sequences.bounds, at, window, part, _PART_BITS, keys, sums, used)
        if at == len(sequences.ids):
            return Cooccurrences(*_glove.pairs(keys, sums, used))
        keys, sums = _glove.grown(keys, sums)


def train_glove(
    pairs: Cooccurrences,
    n_words: int,
    *,
    dim: int = 100,
    epochs: int = 25,
    learning_rate: float = 0.05,
    x_max: float = 10.0,
    seed: int = 13,
    threads: int = 1,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
) -> tuple[F32, list[float]]:
    """Fit vectors to the counts.

    Parameters
    ----------
    pairs : Cooccurrences
    n_words : int
        Ids are smaller than this.
    dim, epochs, learning_rate, x_max, seed, threads
        See `fenlei.vectors.training.train_vectors`.
    progress : callable
        Told the number of epochs done, and the mean loss of a pair in the last.

    Returns
    -------
    matrix : array of float32, shape (n_words, dim)
    losses : list of float
        Mean loss of a pair in each epoch.
    """
    rng = np.random.default_rng(seed)
    state = _start(rng, n_words, dim)
    tiles, n_steps = _Tiles.of(pairs, n_words, x_max), 2 * len(pairs.rows) - int((pairs.rows == pairs.columns).sum())
    losses = []
    with _pool(threads) as run:
        for epoch in range(1, epochs + 1):
            loss = 0.0
            for number in rng.permutation(len(tiles.rounds)).tolist():
                loss += sum(run(lambda tile: tiles.train(tile, state, learning_rate), tiles.rounds[number]))
            losses.append(loss / max(1, n_steps))
            progress(epoch, losses[-1])
    words, _, contexts, _ = state
    return words[:, :dim] + contexts[:, :dim], losses


def _start(rng: np.random.Generator, n_words: int, dim: int) -> tuple[F32, F32, F32, F32]:
    """Words, contexts, and the sums of squared gradients of each; biases in the last column."""

    def random() -> F32:
        return (rng.random((n_words, dim + 1), np.float32) - np.float32(0.5)) / np.float32(dim)

    def ones() -> F32:
        return np.ones((n_words, dim + 1), np.float32)

    return random(), ones(), random(), ones()


class _Tiles(NamedTuple):
    """The pairs sorted by the blocks of their words."""

    rows: I32
    columns: I32
    logs: F32
    weights: F32
    bounds: I64  # of tile a * n_blocks + b
    rounds: list[list[int]]  # tiles of one round have no word in common

    @classmethod
    def of(cls, pairs: Cooccurrences, n_words: int, x_max: float) -> _Tiles:
        n_blocks = min(_MOST_BLOCKS, max(_FEWEST_BLOCKS, n_words // _WORDS_IN_BLOCK)) // 2 * 2
        first, second = pairs.rows % n_blocks, pairs.columns % n_blocks
        tile = (np.minimum(first, second) * n_blocks + np.maximum(first, second)).astype(np.uint16)
        order = np.argsort(tile, kind="stable")
        bounds = np.zeros(n_blocks * n_blocks + 1, np.int64)
        np.cumsum(np.bincount(tile, minlength=n_blocks * n_blocks), out=bounds[1:])
        counts = pairs.counts[order]
        weights = np.minimum(counts / np.float32(x_max), 1) ** np.float32(ALPHA)
        return cls(pairs.rows[order], pairs.columns[order], np.log(counts), weights, bounds, rounds(n_blocks))

    def train(self, tile: int, state: tuple[F32, F32, F32, F32], learning_rate: float) -> float:
        """Take the steps of one tile; returns its loss."""
        from fenlei.vectors import _glove

        part = slice(self.bounds[tile], self.bounds[tile + 1])
        mine = (self.rows[part], self.columns[part], self.logs[part], self.weights[part])
        return float(_glove.train_pairs(*mine, *state, learning_rate))


def rounds(n_blocks: int) -> list[list[int]]:
    """Group the tiles, pairs of blocks, so that no block comes twice in a group: a round-robin tournament.

    Parameters
    ----------
    n_blocks : int
        Even.

    Returns
    -------
    list of list of int
        Tiles ``a * n_blocks + b`` with a <= b; the first group are the blocks with themselves.

    Examples
    --------
    >>> [[divmod(tile, 4) for tile in group] for group in rounds(4)]
    [[(0, 0), (1, 1), (2, 2), (3, 3)], [(0, 3), (1, 2)], [(1, 3), (0, 2)], [(2, 3), (0, 1)]]
    """
    last, found = n_blocks - 1, [[block * n_blocks + block for block in range(n_blocks)]]
    for turn in range(last):
        games = [(turn, last), *(((turn + k) % last, (turn - k) % last) for k in range(1, n_blocks // 2))]
        found.append([min(game) * n_blocks + max(game) for game in games])
    return found


@contextmanager
def _pool(threads: int) -> Iterator[Map]:
    """Give a ``map`` over so many threads, whose answers come in order; what has not begun is dropped on an error."""
    if threads == 1:
        yield map
        return
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)
