"""Batches hold every text once, are alike on any number of processes, and differ by epoch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fenlei.engine.batches import Examples, LengthBatches, TokenExamples, in_length_order
from fenlei.exceptions import SettingError
from fenlei.features.sequences import Sequences


def examples(n: int, seed: int = 0, longest: int = 30) -> TokenExamples:
    rng = np.random.default_rng(seed)
    rows = [rng.integers(2, 9, size=rng.integers(0, longest)).tolist() for _ in range(n)]
    return TokenExamples((Sequences.of(rows),), np.zeros(n, np.int64), rng.random(n).astype(np.float32))


@given(st.integers(1, 400), st.integers(1, 40), st.integers(1, 4), st.integers(0, 3))
def test_processes_share_the_batches_of_one(n, batch_size, world, epoch):
    data = examples(n)
    whole = LengthBatches(data, batch_size, seed=3)
    if n // len(whole) < world:
        with pytest.raises(SettingError, match="raise batch_size"):
            LengthBatches(data, batch_size, seed=3, world=world)
        return
    ranks = [LengthBatches(data, batch_size, seed=3, rank=rank, world=world) for rank in range(world)]
    for batches in (whole, *ranks):
        batches.set_epoch(epoch)
    shared = list(zip(*ranks, strict=True))
    assert len(shared) == len(whole)
    for one, parts in zip(whole, shared, strict=True):
        keys = dict(zip(one.order.tolist(), one.keys.tolist(), strict=True))
        assert sorted(keys) == sorted(text for part in parts for text in part.order.tolist())
        for part in parts:
            assert (part.key, part.total) == (one.key, one.total)
            assert [keys[text] for text in part.order.tolist()] == part.keys.tolist()
            assert len(part.order) >= 1
        assert one.total == pytest.approx(float(data.weights[one.order].sum()))


@given(st.integers(1, 3000), st.integers(1, 64))
def test_every_text_stands_in_one_batch_and_sizes_are_even(n, batch_size):
    orders = [batch.order for batch in LengthBatches(examples(n, longest=3), batch_size, seed=1)]
    assert sorted(np.concatenate(orders).tolist()) == list(range(n))
    sizes = {len(order) for order in orders}
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(8, 300), st.integers(8, 40), st.integers(1, 4), st.integers(1, 200))
def test_pieces_hold_what_fits_and_every_process_has_as_many(n, batch_size, world, most):
    data = examples(n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TokenExamples, "most_learned", most)
        ranks = [LengthBatches(data, batch_size, seed=3, rank=rank, world=world) for rank in range(world)]
        for shares in zip(*ranks, strict=True):
            (n_pieces,) = {share.pieces for share in shares}
            for share in shares:
                pieces = data.__getitems__(share)
                assert len(pieces) == n_pieces
                assert torch.cat([piece["keys"] for piece in pieces]).tolist() == share.keys.tolist()
                fits = all(piece["input_ids"].numel() <= most for piece in pieces)
                assert fits or n_pieces == min(map(len, shares))  # no process can divide its share further


def test_texts_of_a_batch_are_about_as_long():
    data = examples(3200, longest=200)
    spans = [np.ptp(data.lengths[batch.order]) for batch in LengthBatches(data, 32, seed=1)]
    assert np.mean(spans) < 200 / 50 * 2


def test_order_and_keys_follow_from_seed_and_epoch_alone():
    def content(seed: int, epoch: int) -> list[tuple[list[int], list[int], int]]:
        batches = LengthBatches(examples(100), 8, seed=seed)
        batches.set_epoch(epoch)
        return [(batch.order.tolist(), batch.keys.tolist(), batch.key) for batch in batches]

    assert content(1, 2) == content(1, 2)
    keys = [{tuple(pair) for order, keys, _ in content(seed, epoch) for pair in zip(order, keys, strict=True)}
            for seed, epoch in ((1, 2), (1, 3), (2, 2))]  # fmt: skip
    assert not keys[0] & keys[1] and not keys[0] & keys[2]
    one_epoch = content(1, 2)
    assert len({key for _, keys, _ in one_epoch for key in keys}) == 100
    batch_keys = [key for epoch in range(3) for _, _, key in content(1, epoch)]
    assert len(set(batch_keys)) == len(batch_keys)


def test_keys_fit_where_layers_add_a_token_to_them():
    for batch in LengthBatches(examples(500), 8, seed=9):
        assert 0 <= batch.key < 2**43
        assert (batch.keys >= 0).all()


def test_a_batch_of_texts_without_weight_divides_by_nothing():
    data = examples(4)
    assert [
        batch.total for batch in LengthBatches(TokenExamples(data.channels, data.targets, data.weights * 0), 4, seed=1)
    ] == [1]


def test_padding_is_zero_beyond_each_text():
    channels = tuple(Sequences.of(rows) for rows in ([[5, 6, 7], [], [8]], [[1, 1, 2], [], [3]]))
    data = TokenExamples(channels, np.zeros(3, np.int64), np.ones(3, np.float32))
    assert TokenExamples(channels[:1], data.targets, data.weights).padded(np.array([2, 0])).tolist() == [
        [8, 0, 0],
        [5, 6, 7],
    ]
    assert data.padded(np.array([2, 1])).tolist() == [[[8, 3]], [[0, 0]]]
    assert data.padded(np.array([1])).shape == (1, 1, 2)


def test_longest_texts_come_first_when_scoring():
    data = examples(30)
    orders = list(in_length_order(data, 7))
    lengths = data.lengths[np.concatenate(orders)]
    assert (np.diff(lengths) <= 0).all()
    assert sorted(np.concatenate(orders).tolist()) == list(range(30))


def test_of_long_texts_few_are_scored_together():
    lengths = [60_000, 40_000, 30_000, *[10] * 20, 0]
    data = TokenExamples((Sequences.of([[2] * n for n in lengths]),), np.zeros(24, np.int64), np.ones(24, np.float32))
    assert [order.tolist() for order in in_length_order(data, 12)][:4] == [[0], [1], [2, 3], [*range(4, 16)]]


class Counted(Examples):
    """Texts that are nothing but numbers."""

    def __init__(self, n: int) -> None:
        self.weights = np.arange(n, dtype=np.float32)

    @property
    def lengths(self) -> np.ndarray:
        return np.arange(len(self)) % 5

    def batch(self, order, keys=None):
        numbers = torch.from_numpy(order)
        return {"numbers": numbers, "targets": numbers % 2, "weights": torch.from_numpy(self.weights[order])}

    def fingerprint(self) -> bytes:
        return self.weights.tobytes()


def test_examples_of_any_kind_come_with_what_the_engine_adds():
    data = Counted(23)
    assert len(data) == 23
    for batch in LengthBatches(data, 4, seed=1):
        (given,) = data.__getitems__(batch)
        assert given.keys() == {"numbers", "targets", "weights", "keys", "batch_key", "total"}
        assert given["numbers"].tolist() == batch.order.tolist()
        assert given["keys"].tolist() == batch.keys.tolist()
        assert given["batch_key"].tolist() == [batch.key]
        assert given["total"].item() == pytest.approx(sum(given["weights"].tolist()) or 1)
    assert sorted(np.concatenate(list(in_length_order(data, 6))).tolist()) == list(range(23))


def test_examples_that_do_not_say_all_cannot_be_made():
    class Silent(Examples):
        """Knows no lengths."""

        def batch(self, order, keys=None):
            return {}

        def fingerprint(self) -> bytes:
            return b""

    with pytest.raises(TypeError, match="lengths"):
        Silent()


@given(st.integers(1, 900), st.integers(1, 9), st.integers(0, 2))
def test_the_batches_are_those_of_all_texts_shuffled_sorted_by_parts_and_shuffled(n, batch_size, epoch):
    data = examples(n)
    batches = LengthBatches(data, batch_size, seed=5)
    batches.set_epoch(epoch)
    rng = np.random.default_rng((5, epoch))
    order, keys = rng.permutation(n), rng.integers(2**31, size=n) * 2**31
    bounds = [i * n // len(batches) for i in range(len(batches) + 1)]
    for begin, end in pairwise([*bounds[:-1:50], n]):
        order[begin:end] = sorted(order[begin:end], key=data.lengths.__getitem__)
    expected = [(order[bounds[i] : bounds[i + 1]], int(keys[i]) >> 20) for i in rng.permutation(len(batches))]
    for batch, (texts, key) in zip(batches, expected, strict=True):
        assert batch.order.tolist() == texts.tolist() and batch.order.dtype == batch.keys.dtype == np.int64
        assert batch.keys.tolist() == (keys[texts] + texts).tolist()
        assert batch.key == key
