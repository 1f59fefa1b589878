from __future__ import annotations

import pytest

from fenlei.features.inputs import TokenInputs
from fenlei.features.places import id_places

TEXTS = ["房间很好, good room", "又脏又差! Bad ROOM 3.5", "很好  很好\tgood", "一般 so-so", "Ａ好\u3000的", ""]
NEW = [*TEXTS, "  没见过 unseen\n\n好 ", "\ud800好\x00good", " "]


def check(inputs, document, text):
    (ids, *_) = inputs.transform([document])
    places = id_places(inputs, document)
    assert len(places) == len(ids[0])
    for token, (begin, end) in zip(ids[0].tolist(), places.tolist(), strict=True):
        assert 0 <= begin <= end <= len(text)
        spelled = inputs.tokens_[token]
        if spelled.startswith("["):  # not in the vocabulary
            continue
        spelled = spelled.removeprefix("##").replace("▁", "").strip()
        if spelled and not spelled.startswith("<0x"):  # a mark before a word is not spelled, nor is a byte
            assert text[begin:end].strip().lower() == spelled


@pytest.mark.parametrize("unknown", ["token", "skip"])
@pytest.mark.parametrize("unit", ["token", "char"])
def test_texts(unit, unknown):
    inputs = TokenInputs(unit=unit, unknown=unknown, min_count=1).fit(TEXTS)
    for text in NEW:
        check(inputs, text, text)


@pytest.mark.parametrize("unknown", ["token", "skip"])
@pytest.mark.parametrize("unit", ["wordpiece", "bpe", "unigram"])
def test_subwords(unit, unknown):
    pytest.importorskip("tokenizers")
    inputs = TokenInputs(unit=unit, unknown=unknown, max_size=400, min_count=1).fit(TEXTS * 3)
    for text in NEW:
        check(inputs, text, text)


@pytest.mark.parametrize("unknown", ["token", "skip"])
def test_tokens_of_a_segmenter(unknown):
    documents = [["房间", "很好", "good"], ["差", ""]]
    inputs = TokenInputs(unknown=unknown, min_count=1).fit(documents)
    assert id_places(inputs, ["新", "房间", "", "Good"]).tolist() == [[0, 1], [1, 3], [3, 7]][unknown == "skip" :]


def test_characters_and_their_words():
    inputs = TokenInputs(unit="both", min_count=1).fit([["房间", "很好"]])
    document = ["房间", "a b", "\u3000", "好"]
    assert id_places(inputs, document).tolist() == [[0, 1], [1, 2], [2, 3], [4, 5], [6, 7]]
    assert [len(channel[0]) for channel in inputs.transform([document])] == [5, 5]
