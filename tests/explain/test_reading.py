from __future__ import annotations

import pytest

from fenlei.explain.reading import Reader
from fenlei.preparation import Preparation

TEXTS = [
    "<b>我们</b>喜欢这部電影，不差！", "ＧＯＯＤ movie\n\nso good", "", "\ud800好", "清华大学和清华大学",
    "a&amp;b http://a.cn/x y",
]  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"clean": {"urls": "replace", "lowercase": True, "traditional": "simplify"}},
        {"segmenter": "jieba", "stop_words": "auto", "language": "zh"},
        {"segmenter": "jieba", "segment": {"mode": "search"}},
        {"segmenter": "jieba", "segment": {"tagged": True, "pos": ["n"]}},
        {"segmenter": "mixed", "stop_words": ["good"]},
        {"segmenter": "word"},
        {"segmenter": "char", "stop_words": "zh+en"},
    ],
)
def test_it_reads_what_the_preparation_gives(settings):
    preparation = Preparation(**settings).fit(TEXTS)
    reader = Reader(preparation)
    assert [reader.read(text).document for text in TEXTS] == preparation.transform(TEXTS)
    for text in TEXTS:
        reading = reader.read(text)
        assert len(reading.begins) == len("".join(reading.document))
        assert all(0 <= begin < len(text) for begin in reading.begins)


def test_a_tag_belongs_to_its_word():
    reader = Reader(Preparation(segmenter="jieba", segment={"tagged": True}).fit([]))
    reading = reader.read("<b>北京</b>")
    assert (reading.document, reading.begins.tolist()) == (["北京/ns"], [3, 4, 4, 4, 4])


def test_without_a_preparation_texts_are_as_they_are():
    reading = Reader(None).read("<b>\ud800")
    assert (reading.document, reading.begins.tolist()) == ("<b>\ud800", [0, 1, 2, 3])
