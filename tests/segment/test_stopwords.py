from __future__ import annotations

import pytest

from fenlei.exceptions import DataError, SettingError, UnknownNameError
from fenlei.segment.stopwords import CHINESE, ENGLISH, StopWordFilter


def test_lists_hold_function_words_and_no_words_of_judgement() -> None:
    assert {"的", "我们", "因为"} <= CHINESE
    assert {"the", "of", "it's"} <= ENGLISH
    assert not CHINESE & {"不", "没", "没有", "未", "非", "但", "但是", "太", "很", "最", "更", "好"}
    assert not ENGLISH & {
        "no",
        "not",
        "nor",
        "never",
        "don't",
        "but",
        "however",
        "too",
        "very",
        "more",
        "most",
        "only",
    }


def test_filter_by_name_or_by_own_list() -> None:
    tokens = [["The", "菜", "的", "Food"], []]
    assert StopWordFilter("zh").transform(tokens) == [["The", "菜", "Food"], []]
    assert StopWordFilter("en").transform(tokens) == [["菜", "的", "Food"], []]
    assert StopWordFilter().transform(tokens) == [["菜", "Food"], []]
    assert StopWordFilter(("FOOD",)).transform(tokens) == [["The", "菜", "的"], []]


def test_the_form_of_an_apostrophe_does_not_matter() -> None:
    assert StopWordFilter("en").transform([["It’s", "it's", "don’t", "They’re"]]) == [["don’t"]]
    assert StopWordFilter(["don’t"]).transform([["don't", "Don’t", "dont"]]) == [["dont"]]


def test_settings_rebuild_it() -> None:
    assert StopWordFilter(("a", "b")).settings() == {"words": ["a", "b"]}
    assert StopWordFilter(**StopWordFilter().settings()).words == "zh+en"


def test_mistakes() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'zh'"):
        StopWordFilter("zhh").fit([])
    with pytest.raises(SettingError):
        StopWordFilter([1]).transform([["a"]])  # type: ignore[list-item]
    with pytest.raises(DataError, match="row 2: expected a list of tokens"):
        StopWordFilter().transform([["a"], "text"])
