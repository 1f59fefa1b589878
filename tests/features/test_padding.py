"""Padding and batches of about one length."""

from __future__ import annotations

import numpy as np
import pytest

from fenlei.features.padding import in_length_order, inside, padded, padded_channels
from fenlei.features.sequences import Sequences

IDS = Sequences.of([[5, 6, 7], [], [8]])


def test_each_row_is_a_text_and_what_is_left_is_filled():
    assert padded(IDS, 9).tolist() == [[5, 6, 7], [9, 9, 9], [8, 9, 9]]
    assert padded(Sequences.of([[], []])).tolist() == [[0], [0]]
    assert padded(Sequences.of([])).shape == (0, 1)
    assert inside(IDS.lengths).sum(1).tolist() == [3, 0, 1]


def test_channels_stand_behind_one_another():
    assert padded_channels([IDS]).shape == (3, 3)
    two = padded_channels([IDS, Sequences.of([[1, 2, 3], [], [4]])])
    assert two.shape == (3, 3, 2)
    assert two[0].tolist() == [[5, 1], [6, 2], [7, 3]]


@pytest.mark.parametrize(("most_texts", "most_places"), [(1, 100), (7, 100), (1000, 64), (1000, 10_000)])
def test_every_text_comes_once_and_batches_are_bounded(most_texts, most_places):
    lengths = np.random.default_rng(0).integers(0, 90, 300)
    batches = list(in_length_order(lengths, most_texts, most_places))
    assert sorted(np.concatenate(batches).tolist()) == list(range(300))
    longest = [max(1, lengths[batch].max()) for batch in batches]
    assert longest == sorted(longest, reverse=True)
    for batch, size in zip(batches, longest, strict=True):
        assert len(batch) <= most_texts
        assert len(batch) == 1 or len(batch) * size <= most_places


def test_no_texts_are_no_batches():
    assert list(in_length_order(np.zeros(0, np.int64), 4, 4)) == []
