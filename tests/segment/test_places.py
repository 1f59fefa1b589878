from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenlei.segment.char import CharSegmenter
from fenlei.segment.jieba import JiebaSegmenter
from fenlei.segment.mixed import MixedSegmenter
from fenlei.segment.places import token_places
from fenlei.segment.segmenter import Segmenter
from fenlei.segment.words import WordSegmenter

SEGMENTERS = [
    CharSegmenter(),
    WordSegmenter(),
    WordSegmenter(punctuation=True),
    MixedSegmenter(),
    MixedSegmenter(unspaced="jieba", punctuation=True),
    JiebaSegmenter(),
    JiebaSegmenter(mode="search"),
    JiebaSegmenter(tagged=True),
    JiebaSegmenter(pos=["n", "v"]),
    JiebaSegmenter(pos=["n"], tagged=True, hmm=False),
    JiebaSegmenter(user_dict=["好用云 n"], mode="search"),
]
PIECES = (
    "清华大学", "中华人民共和国", "学学", "好用云", "很好", "don't", "C++", " ", "3.5", "!!!", "，", "a/n", "\ud800",
    "👍🏽", "\n",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES)).map("".join)


@pytest.mark.parametrize("segmenter", SEGMENTERS, ids=repr)
@given(text=TEXTS)
def test_the_segmenters_own_tokens_where_they_stand(segmenter: Segmenter, text: str) -> None:
    places = token_places(segmenter, text)
    assert [place.token for place in places] == segmenter.transform([text])[0]
    for token, begin, end in places:
        word = token.rpartition("/")[0] if getattr(segmenter, "tagged", False) else token
        assert text[begin:end].replace("\ud800", "\ufffd") == word.replace("\ud800", "\ufffd")
    begins = [place.begin for place in places]
    overlapping = getattr(segmenter, "mode", "") == "search"
    assert overlapping or begins == sorted(set(begins))


def test_each_of_two_equal_words_has_its_place() -> None:
    found = token_places(JiebaSegmenter(pos=["n"]), "清华大学和清华大学")
    assert [(place.begin, place.end) for place in found] == [(0, 4), (5, 9)]


def test_words_inside_words() -> None:
    found = token_places(JiebaSegmenter(mode="search"), "去清华大学")
    assert [tuple(place) for place in found] == [
        ("去", 0, 1), ("清华", 1, 3), ("华大", 2, 4), ("大学", 3, 5), ("清华大学", 1, 5)
    ]  # fmt: skip


def test_a_segmenter_that_spells_otherwise() -> None:
    class Lower(Segmenter):
        name = "lower"

        def cutter(self) -> Callable[[str], list[str]]:
            return lambda text: text.lower().split()

    assert [tuple(place) for place in token_places(Lower(), "Good food")] == [("food", 5, 9)]
