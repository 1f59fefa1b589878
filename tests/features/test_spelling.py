"""Tokens in a row as a reader would write them."""

from __future__ import annotations

import pytest

from fenlei.features.inputs import TokenInputs
from fenlei.features.spelling import spell


@pytest.mark.parametrize(
    ("unit", "tokens", "text"),
    [
        ("token", ["房间", "很", "干净", "！"], "房间很干净！"),
        ("token", ["the", "film", ",", "don't", "miss"], "the film, don't miss"),
        ("token", ["用", "iphone", "看"], "用iphone看"),
        ("token", ["[UNK]", "好"], "[UNK]好"),
        ("token", ["\ud800"], "\ud800"),
        ("char", ["g", "o", "o", "d", "好"], "good好"),
        ("both", ["好", "看"], "好看"),
        ("wordpiece", ["un", "##happy", "end", "好"], "unhappy end好"),
        ("bpe", ["▁the", "▁bor", "ing", "好"], "the boring好"),
        ("unigram", ["ing", "▁film"], "ing film"),
        ("token", [], ""),
    ],
)
def test_spelling(unit, tokens, text):
    assert spell(tokens, unit) == text


@pytest.mark.parametrize("unit", ["token", "wordpiece", "bpe", "unigram"])
def test_what_the_vocabularies_cut_comes_back(unit):
    text = "房间很干净, a warm film, 下次还来"
    inputs = TokenInputs(unit=unit).fit([text] * 3)
    ids = inputs.transform([text])[0][0]
    assert spell([inputs.tokens_[i] for i in ids], unit).replace(" ", "") == text.replace(" ", "")
