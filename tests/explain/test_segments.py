from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenlei.clean.cleaner import Cleaner
from fenlei.explain.segments import default_segmenter, find_segments, merge_neighbours
from fenlei.segment.char import CharSegmenter
from fenlei.segment.jieba import JiebaSegmenter

WORDS = default_segmenter(None)


def shown(text, segmenter=WORDS, **clean):
    return [text[start:end] for start, end in find_segments(Cleaner(**clean).align(text), segmenter)]


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("房间很干净！！I don't mind.", ["房间", "很", "干净", "！！", "I", "don't", "mind", "."]),
        ("<p>後悔</p>&nbsp;ＯＫ", ["後悔", "ＯＫ"]),
        ("干<b>净</b>", ["干<b>净"]),
        ("", []),
        (" \n", []),
    ],
)
def test_words_as_they_were_written(text, segments):
    assert shown(text, traditional="simplify") == segments


def test_what_comes_from_the_same_characters_is_one_segment():
    assert shown("见http://a.cn/b看看", urls="replace") == ["见", "http://a.cn/b", "看看"]
    assert shown("一㍿二", fullwidth="nfkc") == ["一", "㍿", "二"]


def test_overlapping_tokens_are_one_segment():
    assert shown("去清华大学", JiebaSegmenter(mode="search")) == ["去", "清华大学"]


def test_the_users_words_stay_whole():
    segmenter = default_segmenter(JiebaSegmenter(user_dict=["好用云计算平台"]))
    assert shown("这好用云计算平台", segmenter) == ["这", "好用云计算平台"]
    assert default_segmenter(CharSegmenter()).get_params()["user_dict"] is None


@given(st.text(st.sampled_from("很好 房间a'<>&;bAＢ㎡\n"), max_size=40))
def test_in_order_apart_and_inside(text):
    spans = find_segments(Cleaner(fullwidth="nfkc").align(text), WORDS)
    places = [place for span in spans for place in span]
    assert places == sorted(places)
    assert all(start < end for start, end in spans)
    assert not places or (places[0] >= 0 and places[-1] <= len(text))


@given(st.integers(0, 50), st.integers(1, 20))
def test_neighbours_are_put_together_in_equal_parts(n, most):
    spans = [(2 * i, 2 * i + 1) for i in range(n)]
    merged, size = merge_neighbours(spans, most)
    assert len(merged) == -(-n // size) <= most
    assert size == 1 or -(-n // (size - 1)) > most
    assert [start for start, _ in merged] == [start for start, _ in spans[::size]]
    assert not n or merged[-1][1] == spans[-1][1]
