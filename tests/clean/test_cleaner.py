from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenlei.clean.cleaner import Cleaner
from fenlei.exceptions import SettingError

EVERYTHING = {
    "urls": "replace",
    "emails": "remove",
    "mentions": "replace",
    "fullwidth": "nfkc",
    "traditional": "simplify",
    "lowercase": True,
    "digits": "zero",
    "emoji": "remove",
    "punctuation": "remove",
    "repeats": 2,
}
ADDRESSES = {"urls": "remove", "emails": "remove", "mentions": "remove"}
# Pieces that steps act on, so that random joins of them meet the steps' interplay and not only each alone.
PIECES = [
    *(
        "很好",
        "後",
        "薴",
        "a",
        "B",
        "3",
        "İ",
        "e\u0301",
        " ",
        "\n",
        "\u3000",
        "\u200b",
        "\x00",
        "\ud800",
        "👍🏽",
        "。",
        "，",
        "!",
    ),
    *("<", ">", "/", "b", "br", " x=1", "<!--", "-->", "<script>", "</script>", "＜"),
    *("&", "＆", "amp;", "lt;", "#38;", "#xFF06;", "；", "http://", "www.", "a.cn", "@"),
]
ODD_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=20).map("".join),
)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("", ""),
        (" \u3000\n ", ""),
        ("很<b>好</b>！<br />ＯＫ", "很好! OK"),
        ("&lt;b&gt;bold&lt;/b&gt; &amp;amp; a &lt; b &lt;3", "bold & a < b <3"),
        ("\ufeff零\u200b宽\x00\ud83d", "零宽"),
        ("好👍🏽★不错", "好👍🏽★不错"),
        ("if a<b and c>d", "if a<b and c>d"),
    ],
)
def test_default_steps(text: str, clean: str) -> None:
    assert Cleaner().transform([text]) == [clean]


@pytest.mark.parametrize(
    ("settings", "text", "clean"),
    [
        ({"urls": "remove"}, "见http://a.cn/b看看", "见 看看"),
        ({"urls": "remove"}, "看http://a.cn/b，good", "看 ,good"),
        ({"urls": "replace"}, "<a href='http://a.cn'>Go</a> http://a.cn/?x=1&amp;y=2", "Go _URL_"),
        ({"emails": "remove"}, "发到a@b.cn谢谢", "发到 谢谢"),
        ({"mentions": "replace"}, "@张三：hi a@b.cn", "_USER_ :hi a@b.cn"),
        ({"traditional": "simplify"}, "後臺", "后台"),
        ({"repeats": 3}, "哈哈哈哈哈哈 goooood 10000", "哈哈哈 goood 10000"),
        ({"lowercase": True}, "GOOD Ｗow", "good wow"),
        ({"digits": "zero"}, "１2年", "00年"),
        ({"emoji": "remove"}, "好👨‍👩‍👧吃", "好 吃"),
        ({"punctuation": "remove"}, "《好》,C++", "好 C"),
        ({"fullwidth": "keep"}, "Ａ，", "Ａ，"),
        ({"fullwidth": "nfkc"}, "①㎡", "1m2"),
        ({"html": False}, "<b>&amp;", "<b>&amp;"),
        ({"control": False}, "a\x00b", "a\x00b"),
        ({"whitespace": False}, " a  b ", " a  b "),
    ],
)
def test_each_setting(settings: dict[str, object], text: str, clean: str) -> None:
    assert Cleaner(**settings).transform([text]) == [clean]  # type: ignore[arg-type]


@pytest.mark.parametrize("chosen", [{}, EVERYTHING, ADDRESSES], ids=["default", "everything", "addresses"])
@settings(max_examples=300, deadline=None)
@given(text=ODD_TEXTS)
def test_cleaning_twice_changes_nothing(chosen: dict[str, object], text: str) -> None:
    cleaner = Cleaner(**chosen)  # type: ignore[arg-type]
    once = cleaner.transform([text])
    assert cleaner.transform(once) == once


@settings(max_examples=200, deadline=None)
@given(text=ODD_TEXTS)
def test_what_default_cleaning_promises(text: str) -> None:
    (clean,) = Cleaner().transform([text])
    assert clean == " ".join(clean.split())
    clean.encode("utf-8")
    assert not set(clean) & {"\x00", "\u200b", "\ufeff", "Ａ", "，"}


NESTED = {
    "nested tags": "<" * 50_000 + "b>" * 50_000,
    "nested entities": "&" + "amp;" * 25_000,
    "alternating entities": "&#xFF06;" + "#xFF06;" * 15_000,
    "unclosed blocks": "<script>" * 12_500,
    "comment closed before": "-->" + "<!--" * 25_000,
    "attributes": "<a =" * 25_000,
    "one long local part": "a" * 100_000 + "@",
    "one long domain": "a@" + "b." * 50_000 + "1",
    "marks out of order": "a" + "\u0301\u0323" * 50_000,
    "sentence ends": "http://" + "." * 100_000,
} | {piece: (piece * 100_000)[:100_000] for piece in ("<", "a@", "http", "http://", "&", "@", "<b", "www.", " ", "哈")}


@pytest.mark.parametrize("name", NESTED)
@pytest.mark.parametrize("chosen", [{}, EVERYTHING, ADDRESSES], ids=["default", "everything", "addresses"])
def test_hostile_texts_take_linear_time_and_settle(chosen: dict[str, object], name: str) -> None:
    cleaner = Cleaner(**chosen)  # type: ignore[arg-type]
    start = time.process_time()
    once = cleaner.transform([NESTED[name]])
    assert time.process_time() - start < 0.5
    assert cleaner.transform(once) == once


def test_settings_survive_json() -> None:
    cleaner = Cleaner(**EVERYTHING)  # type: ignore[arg-type]
    again = Cleaner(**json.loads(json.dumps(cleaner.get_params())))
    text = "見HTTP://a.cn ＡＡＡ <b>1</b>"
    assert again.transform([text]) == cleaner.transform([text])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("urls", "drop"),
        ("html", "false"),
        ("html", 1),
        ("fullwidth", True),
        ("repeats", 0),
        ("repeats", True),
    ],
)
def test_unknown_values_are_refused_when_used_not_before(name: str, value: object) -> None:
    cleaner = Cleaner(**{name: value})  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=rf"Cleaner: {name} must be .*{value!r}"):
        cleaner.transform(["text"])
    with pytest.raises(SettingError):
        cleaner.fit(["text"])


def test_scikit_learn_clones_it() -> None:
    from sklearn.base import clone

    assert clone(Cleaner(repeats=2)).get_params() == Cleaner(repeats=2).get_params()
