from __future__ import annotations

import json
from typing import Any

import pytest

from fenlei.exceptions import SettingError, UnknownNameError
from fenlei.preparation import Preparation

TEXTS = ["<b>我喜欢</b>这部电影", "It's not a GOOD film!", "价格１２０元，不贵 \ud800", "", "\x00"]


def test_texts_are_cleaned_and_left_whole_without_a_segmenter() -> None:
    assert Preparation().fit(TEXTS).transform(["<b>我喜欢</b>", "Ｇｏｏｄ  film"]) == ["我喜欢", "Good film"]


def test_a_segmenter_cuts_what_is_clean() -> None:
    preparation = Preparation(segmenter="jieba").fit(TEXTS)
    assert preparation.transform(["<i>我喜欢电影</i>", ""]) == [["我", "喜欢", "电影"], []]


@pytest.mark.parametrize(
    ("language", "stop_words", "expected"),
    [
        ("zh", "auto", [["喜欢", "the", "film"]]),
        ("en", "auto", [["我", "喜欢", "film"]]),
        ("mixed", "auto", [["喜欢", "film"]]),
        ("zh", ["film"], [["我", "喜欢", "the"]]),
        ("zh", None, [["我", "喜欢", "the", "film"]]),
    ],
)
def test_stop_words_go_by_the_language_or_are_given(language: str, stop_words: Any, expected: Any) -> None:
    preparation = Preparation(segmenter="jieba", language=language, stop_words=stop_words).fit(TEXTS)
    assert preparation.transform(["我喜欢the film"]) == expected


def test_stop_words_of_tagged_tokens_have_a_tag() -> None:
    preparation = Preparation(segmenter="jieba", segment={"tagged": True}, stop_words=["的/uj"]).fit(TEXTS)
    assert preparation.transform(["我的电影"]) == [["我/r", "电影/n"]]


def test_the_language_is_detected_with_its_shares_or_given() -> None:
    detected = Preparation().fit(["我喜欢这部电影"]).language_
    assert detected["name"] == "zh"
    assert detected["cjk_share"] == 1.0
    assert Preparation(language="en").fit(["我"]).language_ == {"name": "en"}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"clean": {"html": False, "repeats": 2}},
        {"segmenter": "char"},
        {"segmenter": "mixed", "stop_words": "auto"},
        {"segmenter": "jieba", "segment": {"user_dict": ["喜欢这部 9999"]}, "stop_words": ["元"], "language": "zh"},
        {"segmenter": "word", "segment": {"punctuation": True}, "stop_words": "en"},
    ],
)
def test_settings_that_went_through_json_prepare_the_same_way(settings: dict[str, Any]) -> None:
    preparation = Preparation(**settings).fit(TEXTS)
    again = Preparation.from_settings(json.loads(json.dumps(preparation.settings())))
    assert again.transform(TEXTS) == preparation.transform(TEXTS)
    assert again.settings() == preparation.settings()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"language": "fr"}, SettingError, "language must be 'auto' or one of zh, en, mixed, other; got 'fr'"),
        ({"stop_words": "zh"}, SettingError, "stop_words has a use only with a segmenter"),
        ({"segment": {"pos": ["n"]}}, SettingError, "segment has a use only with a segmenter"),
        ({"segmenter": "jieba", "segment": {"tagged": True}, "stop_words": "auto"}, SettingError, "such as 的/uj"),
        ({"segmenter": "jieba", "segment": {"tagged": True}, "stop_words": ["的/uj", "的"]}, SettingError, "tags"),
        ({"segmenter": "jeiba"}, UnknownNameError, "did you mean 'jieba'"),
        ({"segmenter": "jieba", "segment": {"poss": ["n"]}}, SettingError, "poss"),
        ({"segmenter": "jieba", "stop_words": "fr"}, (SettingError, UnknownNameError), "fr"),
        ({"clean": {"html": "yes"}}, SettingError, "html"),
        ({"clean": {"htlm": True}}, SettingError, "did you mean 'html'"),
    ],
)
def test_settings_out_of_range_are_refused_by_fit(settings: dict[str, Any], error: Any, message: str) -> None:
    preparation = Preparation(**settings)
    with pytest.raises(error, match=message):
        preparation.fit(TEXTS)
