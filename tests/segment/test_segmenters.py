"""What all segmenters keep, whatever the text."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenlei.exceptions import DataError, FenleiError, SettingError, UnknownNameError
from fenlei.segment.registry import SEGMENTERS, make_segmenter
from fenlei.segment.segmenter import Segmenter

ODD_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=40),
    st.lists(
        st.sampled_from(
            [
                "我来到北京",
                "カナ",
                "don't",
                "3.5",
                "C++",
                "e-mail",
                "👍🏽",
                "\ud800",
                "！",
                " ",
                "…",
                "\u0301",
            ]
        )
    ).map("".join),
)
VARIANTS: list[dict[str, object]] = [
    {"name": "char"},
    {"name": "word"},
    {"name": "word", "punctuation": True},
    {"name": "mixed"},
    {"name": "mixed", "punctuation": True},
    {"name": "mixed", "unspaced": "jieba", "user_dict": ["我来"], "punctuation": True},
    {"name": "jieba"},
    {"name": "jieba", "mode": "search", "hmm": False},
    {"name": "jieba", "pos": ["n", "v"], "tagged": True, "user_dict": ["云计算 100 n", "韩玉赏鉴"]},
]
LOSSLESS = [variant for variant in VARIANTS if variant["name"] == "char" or variant.get("punctuation")] + [
    {"name": "jieba"}
]


def make(variant: dict[str, object]) -> Segmenter:
    return make_segmenter(**variant)  # type: ignore[arg-type]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@settings(max_examples=60, deadline=None)
@given(text=ODD_TEXTS)
def test_any_text_gives_tokens_that_are_not_blank(variant: dict[str, object], text: str) -> None:
    (tokens,) = make(variant).transform([text])
    assert all(isinstance(token, str) and token.strip() for token in tokens)


@pytest.mark.parametrize("variant", LOSSLESS, ids=str)
@settings(max_examples=100, deadline=None)
@given(text=ODD_TEXTS)
def test_joined_tokens_are_the_text_without_spaces(variant: dict[str, object], text: str) -> None:
    text = text.replace("\ud800", "") if variant["name"] in ("jieba", "mixed") else text
    text = text.encode("utf-8", "ignore").decode() if variant["name"] in ("jieba", "mixed") else text
    (tokens,) = make(variant).transform([text])
    assert "".join(tokens) == "".join(text.split())


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_settings_rebuild_it_through_json_and_it_can_be_sent_to_processes(variant: dict[str, object]) -> None:
    texts = ["我来到北京，云计算 don't 3.5!", "韩玉赏鉴", ""]
    segmenter = make(variant).fit(texts)
    expected = segmenter.transform(texts)
    assert make(json.loads(json.dumps(segmenter.settings()))).transform(texts) == expected
    assert pickle.loads(pickle.dumps(segmenter)).transform(texts) == expected


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_long_texts_and_wrong_input(variant: dict[str, object]) -> None:
    segmenter = make(variant)
    assert len(segmenter.transform(["a-" * 50_000, "好" * 100_000, "\u0301" * 100_000])) == 3
    assert segmenter.transform([]) == []
    with pytest.raises(SettingError, match="one string"):
        segmenter.transform("好")
    with pytest.raises(DataError, match="row 2"):
        segmenter.transform(["好", None])


def test_registry_knows_the_segmenters_and_refuses_others() -> None:
    assert sorted(SEGMENTERS) == ["char", "jieba", "mixed", "word"]
    with pytest.raises(UnknownNameError, match="known: char, jieba, mixed, word"):
        make_segmenter("pkuseg")
    with pytest.raises(SettingError, match="'hmn'; did you mean 'hmm'"):
        make_segmenter("jieba", hmn=False)


@pytest.mark.parametrize(
    "variant",
    [
        {"name": "jieba", "mode": "all"},
        {"name": "jieba", "pos": "n"},
        {"name": "jieba", "pos": [1]},
        {"name": "jieba", "pos": ["n"], "mode": "search"},
        {"name": "jieba", "hmm": 1},
        {"name": "jieba", "user_dict": 5},
        {"name": "mixed", "unspaced": "word"},
        {"name": "mixed", "user_dict": ["词"]},
        {"name": "word", "punctuation": "yes"},
    ],
    ids=str,
)
def test_wrong_settings_are_refused_when_used_not_before(variant: dict[str, object]) -> None:
    segmenter = make(variant)
    with pytest.raises(FenleiError):
        segmenter.transform(["好"])
    with pytest.raises(FenleiError):
        segmenter.fit(["好"])
