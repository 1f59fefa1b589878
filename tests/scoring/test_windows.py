"""Windows keep every text once, in order; scores come back in the order of the texts."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fenlei.scoring.windows import score_window, windows


@given(st.lists(st.text(max_size=9), max_size=40), st.integers(1, 8), st.integers(1, 30))
def test_windows_hold_all_texts_in_order_and_are_bounded(texts, rows, characters):
    cut = list(windows(texts, rows=rows, characters=characters))
    assert [text for window in cut for text in window] == texts
    for window in cut:
        assert 0 < len(window) <= rows
        assert sum(map(len, window[:-1])) < characters


class Lengths:
    """Scores a text by its length, and remembers what it was given."""

    classes_ = np.array(["a", "b"])

    def predict_proba(self, texts):
        self.seen = texts
        return np.array([[len(text), ord(text[0])] for text in texts], dtype=float)


def test_longest_first_and_back_in_order():
    model = Lengths()
    texts = ["aa", "b", "cccc", "d", "eee"]
    scores = score_window(model, texts)
    assert model.seen == ["cccc", "eee", "aa", "b", "d"]
    assert scores.tolist() == [[len(text), ord(text[0])] for text in texts]
