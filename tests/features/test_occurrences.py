from __future__ import annotations

import numpy as np
import pytest

from fenlei.features.hashing import HashingFeatures
from fenlei.features.ngrams import NgramCounts
from fenlei.features.occurrences import occurrences

TEXTS = ["房间很好，good room", "很好很好 好", "Good good GOODNESS", "the room's 好 room", " ", ""]


@pytest.mark.parametrize("document", [*TEXTS, "没见过 unseen good", "好 good\ud800"])
@pytest.mark.parametrize("settings", [{}, {"ngrams": (2, 3), "char_ngrams": None}, {"boundaries": False}])
def test_there_are_as_many_as_are_counted(document, settings):
    counts = NgramCounts(**settings).fit(TEXTS)
    found = occurrences(counts, document)
    expected = counts.transform([document]).toarray()[0]
    np.testing.assert_array_equal(np.bincount(found.columns, minlength=counts.n_features_), expected)


@pytest.mark.parametrize("document", [*TEXTS, "a good 好room"])
def test_each_is_spelled_at_its_place(document):
    counts = NgramCounts().fit(TEXTS)
    for column, begin, end in zip(*occurrences(counts, document), strict=True):
        spelled = counts.vocabulary_[column].strip("^$·")
        assert "".join(document[begin:end].lower().split()) == "".join(spelled.split())


def test_tokens_of_a_segmenter():
    counts = NgramCounts(ngrams=(1, 2)).fit([["很好", "good"], ["房间"]])
    found = occurrences(counts, ["房间", "很好", "", "good"])
    places = {counts.vocabulary_[c]: (b, e) for c, b, e in zip(*found, strict=True)}
    assert (places["房间"], places["很好 good"], places["good$"]) == ((0, 2), (2, 8), (4, 8))


def test_hashed_features():
    features = HashingFeatures(bits=12, tf="count", norm=False)
    found = occurrences(features, "好看 good")
    expected = features.transform(["好看 good"]).toarray()[0]
    np.testing.assert_array_equal(np.bincount(found.columns, minlength=1 << 12), expected)
