from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenlei.features.sequences import Sequences

ROWS = st.lists(st.lists(st.integers(1, 9), max_size=5), max_size=6)


def test_texts_lie_end_to_end() -> None:
    sequences = Sequences.of([[5, 6, 7], [], [8]])
    assert (sequences.ids.dtype, sequences.bounds.dtype) == (np.int32, np.int64)
    assert sequences.bounds.tolist() == [0, 3, 3, 4]
    assert sequences.lengths.tolist() == [3, 0, 1]
    assert (sequences[-1].tolist(), len(sequences)) == ([8], 3)


def test_a_text_is_a_view_and_the_rest_is_frozen() -> None:
    sequences = Sequences.of([[5, 6], [7]])
    assert np.shares_memory(sequences[1], sequences.ids)
    with pytest.raises(IndexError):
        sequences[2]
    with pytest.raises(FrozenInstanceError):
        sequences.ids = sequences.ids  # type: ignore[misc]


@given(ROWS, st.data())
def test_selecting_is_picking_rows(rows: list[list[int]], data: st.DataObject) -> None:
    order = data.draw(st.lists(st.integers(-len(rows), len(rows) - 1), max_size=8)) if rows else []
    _check(Sequences.of(rows).select(order), [rows[i] for i in order])
    mask = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    _check(
        Sequences.of(rows).select(np.array(mask, bool)), [row for row, taken in zip(rows, mask, strict=True) if taken]
    )
    _check(Sequences.of(rows).select(slice(1, None, 2)), rows[1::2])


def test_selecting_a_text_that_is_not_there_is_an_error() -> None:
    with pytest.raises(IndexError):
        Sequences.of([[5]]).select([1])


@given(ROWS, st.integers(0, 6))
def test_cutting_keeps_the_beginning_and_counts_the_rest(rows: list[list[int]], limit: int) -> None:
    cut = Sequences.of(rows).cut(limit)
    _check(cut.sequences, [row[:limit] for row in rows])
    assert cut.n_texts == sum(len(row) > limit for row in rows)
    assert cut.n_ids == sum(max(len(row) - limit, 0) for row in rows)


@given(st.lists(ROWS, max_size=4))
def test_concatenating_is_adding_lists(parts: list[list[list[int]]]) -> None:
    _check(Sequences.concatenate(map(Sequences.of, parts)), [row for rows in parts for row in rows])


def _check(sequences: Sequences, rows: list[list[int]]) -> None:
    assert [row.tolist() for row in sequences] == rows
    assert (sequences.ids.dtype, sequences.bounds.dtype) == (np.int32, np.int64)
    assert sequences.bounds[0] == 0
    assert sequences.bounds[-1] == len(sequences.ids)
