"""N-grams as rows of a table."""

from __future__ import annotations

import numpy as np

from fenlei.layers.ngrams import HashedNgrams


def test_tokens_come_first_and_ngrams_have_rows_behind_them():
    rows = HashedNgrams(20, 1000, most=3).rows(np.array([[5, 6, 7], [5, 6, 0], [0, 0, 0]]))
    assert rows.shape == (3, 9)
    assert rows[0, :3].tolist() == [5, 6, 7]
    assert rows[0, 3] == rows[1, 2], "the same pair has the same row in every text"
    assert (rows > 0).sum(1).tolist() == [6, 3, 0]
    grams = rows[0, 3:6]
    assert ((grams >= 20) & (grams < 1020)).all()


def test_settings_are_plain_numbers():
    assert HashedNgrams(20, 1000, 2)._asdict() == {"first_bucket": 20, "buckets": 1000, "most": 2}
