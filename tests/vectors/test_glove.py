"""GloVe against plain versions of its counts and of its optimizer."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenlei.features.sequences import Sequences
from fenlei.vectors import _glove, glove
from fenlei.vectors.glove import count_cooccurrences, default_x_max, rounds, train_glove


def plain_counts(rows, window):
    counts = Counter()
    for row in rows:
        for i, word in enumerate(row):
            for j in range(max(0, i - window), i):
                counts[min(word, row[j]), max(word, row[j])] += (2 if word == row[j] else 1) / (i - j)
    return counts


def as_dict(pairs):
    return dict(zip(zip(pairs.rows.tolist(), pairs.columns.tolist(), strict=True), pairs.counts.tolist(), strict=True))


@given(rows=st.lists(st.lists(st.integers(0, 9), max_size=12), max_size=6), window=st.integers(1, 15))
def test_counts_are_those_of_a_dictionary(rows, window):
    found = count_cooccurrences(Sequences.of(rows), window)
    assert as_dict(found) == pytest.approx(plain_counts(rows, window))


def test_counts_when_the_tables_grow(monkeypatch):
    monkeypatch.setattr(glove, "_FIRST_SLOTS", 4)
    rows = np.random.default_rng(2).zipf(1.3, (30, 400)).clip(max=3000).tolist()
    expected = plain_counts(rows, 4)
    one, two = (count_cooccurrences(Sequences.of(rows), 4, threads=threads) for threads in (1, 2))
    assert as_dict(one) == pytest.approx(expected, rel=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert len(one.rows) > 5000


def plain_step(words, contexts, i, j, x, x_max, rate):
    """One step of AdaGrad on f(x) (w . c + b + b' - ln x)^2 / 2, with its gradient by the book."""
    (w, w_squares), (c, c_squares) = words, contexts
    difference = w[i, :-1] @ c[j, :-1] + w[i, -1] + c[j, -1] - np.log(x)
    weight = min(1.0, x / x_max) ** 0.75
    w_slope = weight * difference * np.append(c[j, :-1], 1)
    c_slope = weight * difference * np.append(w[i, :-1], 1)
    w[i] -= rate * w_slope / np.sqrt(w_squares[i])
    c[j] -= rate * c_slope / np.sqrt(c_squares[j])
    w_squares[i] += w_slope**2
    c_squares[j] += c_slope**2
    return weight * difference**2 / 2


def test_steps_are_those_of_plain_numpy():
    rng = np.random.default_rng(4)
    state = [rng.normal(size=(5, 8)).astype(np.float32), np.ones((5, 8), np.float32)] * 2
    state = [array.copy() for array in state]
    words, contexts = ([array.astype(float) for array in pair] for pair in (state[:2], state[2:]))
    pairs = [(0, 1, 3.0), (2, 2, 150.0), (1, 4, 0.25), (0, 1, 3.0)]
    expected = 0.0
    for i, j, x in pairs:
        expected += plain_step(words, contexts, i, j, x, 10.0, 0.05)
        if i != j:
            expected += plain_step(words, contexts, j, i, x, 10.0, 0.05)
    rows, columns, counts = (np.array(column) for column in zip(*pairs, strict=True))
    weights = np.minimum(1, counts / 10.0) ** 0.75
    loss = _glove.train_pairs(
        rows.astype(np.int32), columns.astype(np.int32), np.log(counts).astype(np.float32), weights.astype(np.float32),
        *state, 0.05,
    )  # fmt: skip
    assert loss == pytest.approx(expected, rel=1e-4)
    for found, plain in zip(state, [*words, *contexts], strict=True):
        assert np.allclose(found, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n_blocks", [2, 8, 64])
def test_every_pair_of_blocks_meets_once_and_never_shares_one_with_another(n_blocks):
    groups = [[divmod(tile, n_blocks) for tile in group] for group in rounds(n_blocks)]
    games = [tuple(game) for group in groups for game in group]
    assert sorted(games) == [(a, b) for a in range(n_blocks) for b in range(a, n_blocks)]
    for group in groups[1:]:
        assert len({block for game in group for block in game}) == n_blocks


@pytest.fixture
def corpus():
    rng = np.random.default_rng(6)
    return Sequences.of([(rng.integers(0, 20, 15) * 2 + text % 2).tolist() for text in range(400)])


def test_the_loss_falls_and_topics_part(corpus):
    told = []
    pairs = count_cooccurrences(corpus, 5)
    matrix, losses = train_glove(pairs, 40, dim=10, epochs=20, progress=lambda epoch, loss: told.append((epoch, loss)))
    assert losses[-1] < 0.2 * losses[0]
    assert all(later < before for before, later in pairwise(losses[:6]))
    assert told == list(enumerate(losses, 1))
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    cosines = unit @ unit.T
    same = np.add.outer(np.arange(40), np.arange(40)) % 2 == 0
    assert cosines[same].mean() > cosines[~same].mean() + 0.5


def test_the_same_to_the_bit_on_any_number_of_threads(corpus):
    one, two, three, other = (
        train_glove(count_cooccurrences(corpus, 5, threads=threads), 40, dim=10, epochs=3, seed=seed, threads=threads)[
            0
        ]
        for threads, seed in ((1, 13), (2, 13), (3, 13), (1, 14))
    )
    assert np.array_equal(one, two)
    assert np.array_equal(one, three)
    assert not np.array_equal(one, other)


def test_an_error_on_one_thread_ends_all(corpus):
    def stop(epoch, loss):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_glove(count_cooccurrences(corpus, 2), 40, dim=4, epochs=3, threads=2, progress=stop)


def test_x_max_grows_with_the_corpus():
    assert (default_x_max(17_000_000), default_x_max(6_000_000_000)) == (10, 100)
