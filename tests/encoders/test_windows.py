"""What is read of long texts, against slices of plain lists."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenlei.encoders.windows import LONG_TEXTS, cut_windows, never_empty
from fenlei.exceptions import SettingError
from fenlei.features.sequences import Sequences

PREFIXES, SUFFIXES = st.sampled_from([(), (101,), (101, 103)]), st.sampled_from([(), (102,)])
LENGTHS = st.lists(st.integers(0, 40), max_size=8)
ROOMS = st.integers(1, 15)


def numbered(lengths):
    """Texts no two tokens of which are alike."""
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(int) + 1000
    return [list(range(begin, begin + n)) for begin, n in zip(bounds, lengths, strict=False)]


def plain(text, room, how, overlap):
    """Windows of one text, one after another."""
    if len(text) <= room:
        return [text]
    if how == "windows":
        windows, begin = [], 0
        while True:
            windows.append(text[begin : begin + room])
            if begin + room >= len(text):
                return windows
            begin += room - overlap
    first = {"head": room, "tail": 0, "head+tail": room // 4}[how]
    return [text[:first] + text[len(text) - (room - first) :]]


@given(LENGTHS, ROOMS, PREFIXES, SUFFIXES, st.sampled_from(LONG_TEXTS), st.data())
def test_windows_are_those_of_a_plain_loop(lengths, room, prefix, suffix, how, data):
    overlap = data.draw(st.integers(0, room - 1)) if how == "windows" else 0
    texts = numbered(lengths)
    limit = room + len(prefix) + len(suffix)
    found = cut_windows(Sequences.of(texts), limit, prefix=prefix, suffix=suffix, how=how, overlap=overlap)
    expected = [plain(text, room, how, overlap) for text in texts]
    assert len(found) == len(texts)
    assert np.diff(found.bounds).tolist() == [len(windows) for windows in expected]
    rows = [[*prefix, *window, *suffix] for windows in expected for window in windows]
    assert [row.tolist() for row in found.ids] == rows
    assert all(len(row) <= limit for row in rows)
    assert found.lengths.tolist() == [sum(len(w) + len(prefix) + len(suffix) for w in ws) for ws in expected]
    if how == "windows":
        assert (found.n_texts, found.n_ids) == (0, 0)
    else:
        assert found.n_texts == sum(n > room for n in lengths)
        assert found.n_ids == sum(max(0, n - room) for n in lengths)


@given(LENGTHS, ROOMS, st.data())
def test_windows_cover_every_token_and_share_what_is_asked(lengths, room, data):
    overlap = data.draw(st.integers(0, room - 1))
    texts = numbered(lengths)
    found = cut_windows(Sequences.of(texts), room + 2, prefix=[1], suffix=[2], how="windows", overlap=overlap)
    for i, text in enumerate(texts):
        windows = [found.ids[w].tolist()[1:-1] for w in range(found.bounds[i], found.bounds[i + 1])]
        assert sorted({token for window in windows for token in window}) == text
        for one, other in pairwise(windows):
            assert len(one) == room
            assert one[room - overlap :] == other[:overlap]
            assert other[-1] > one[-1], "each window reads something new"


@given(LENGTHS, st.data())
def test_some_texts_are_taken_with_all_their_windows(lengths, data):
    texts = numbered(lengths)
    whole = cut_windows(Sequences.of(texts), 7, prefix=[1], how="windows", overlap=2)
    order = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=9)) if texts else []
    alone = cut_windows(Sequences.of([texts[i] for i in order]), 7, prefix=[1], how="windows", overlap=2)
    found = whole.select(np.array(order, np.int64))
    assert [row.tolist() for row in found.ids] == [row.tolist() for row in alone.ids]
    assert found.bounds.tolist() == alone.bounds.tolist()
    chosen = np.isin(np.arange(len(texts)), order)
    by_mask, by_number = whole.select(chosen), whole.select(np.flatnonzero(chosen))
    assert by_mask.ids.ids.tolist() == by_number.ids.ids.tolist()
    assert by_mask.bounds.tolist() == by_number.bounds.tolist()


@pytest.mark.parametrize("how", LONG_TEXTS)
def test_no_texts_and_empty_texts(how):
    nothing = cut_windows(Sequences.of([]), 5, prefix=[1], how=how)
    assert (len(nothing), len(nothing.ids), nothing.n_texts) == (0, 0, 0)
    empty = cut_windows(Sequences.of([[], []]), 5, prefix=[1], suffix=[2], how=how)
    assert [row.tolist() for row in empty.ids] == [[1, 2], [1, 2]]
    assert [row.tolist() for row in cut_windows(Sequences.of([[], [7]]), 5, how=how).ids] == [[], [7]]


@pytest.mark.parametrize("how", LONG_TEXTS)
@pytest.mark.parametrize("limit", [-1, 0, 2])
def test_a_limit_without_room_for_a_token_is_refused(how, limit):
    with pytest.raises(SettingError, match=f"max_length={limit} leaves no room"):
        cut_windows(Sequences.of([[5, 6, 7]]), limit, prefix=[1], suffix=[2], how=how)


@pytest.mark.parametrize("overlap", [-1, 3, 4])
def test_an_overlap_that_leaves_nothing_new_is_refused(overlap):
    with pytest.raises(SettingError, match=f"windows of 3 tokens cannot share {overlap}"):
        cut_windows(Sequences.of([[5, 6, 7, 8]]), 5, prefix=[1], suffix=[2], how="windows", overlap=overlap)


@given(LENGTHS)
def test_never_empty_fills_empty_texts_only(lengths):
    texts = numbered(lengths)
    assert [row.tolist() for row in never_empty(Sequences.of(texts), 9)] == [text or [9] for text in texts]
