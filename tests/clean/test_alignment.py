from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenlei.clean.alignment import Alignment, Tracer
from fenlei.clean.cleaner import Cleaner

EVERYTHING = {
    "urls": "replace", "emails": "remove", "mentions": "replace", "fullwidth": "nfkc", "traditional": "simplify",
    "lowercase": True, "digits": "zero", "emoji": "remove", "punctuation": "remove", "repeats": 2,
}  # fmt: skip
# Pieces that the steps act on, so that random joins of them meet the steps' interplay.
PIECES = [
    "很好", "後", "a", "B", "3", "İ", "e\u0301", "ｶﾞ", "\u1100\u1161", "㎡", "…", " ", "\n\n", "\u3000", "\u200b",
    "\x00", "\ud800", "👍🏽", "，", "!!!!", "哈哈哈哈", "<", ">", "</b>", "<b>", "<br />", "<!--", "-->", "<script>",
    "</script>", "&amp;", "&amp;amp;lt;", "＆", "&nbsp;", "#38;", "http://a.cn/b", "www.", "a@b.cn", "@张三",
]  # fmt: skip
ODD_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=20).map("".join),
)


@given(ODD_TEXTS)
@pytest.mark.parametrize("settings", [{}, EVERYTHING, {**EVERYTHING, "fullwidth": "half", "whitespace": False}])
def test_it_rises_stays_inside_and_ends_in_the_clean_text(settings: dict, text: str) -> None:
    cleaner = Cleaner(**settings)
    found = cleaner.align(text)
    assert (found.original, found.text) == (text, cleaner.transform([text])[0])
    assert found.begins.shape == found.ends.shape == (len(found.text),)
    assert (np.diff(found.begins) >= 0).all() and (np.diff(found.ends) >= 0).all()
    assert (found.begins < found.ends).all()
    assert not len(found.text) or (found.begins[0] >= 0 and found.ends[-1] <= len(text))


@given(st.text("abc 很好", max_size=30).map(lambda text: " ".join(text.split())))
def test_a_clean_text_is_itself(text: str) -> None:
    found = Cleaner().align(text)
    assert found.begins.tolist() == list(range(len(text)))
    assert found.ends.tolist() == list(range(1, len(text) + 1))


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_what_is_not_changed_comes_from_its_own_place(text: str) -> None:
    """Chinese characters and capital letters are touched by no default step, so each must be its own origin."""
    found = Cleaner().align(text)
    for char, begin, end in zip(found.text, found.begins, found.ends, strict=True):
        if char in "很好後B張三哈":
            assert found.original[begin:end] == char


@pytest.mark.parametrize(
    ("settings", "text", "origins"),
    [
        ({}, "<b>很</b>好<br>&lt;3", [("很", "很"), ("好", "好"), (" ", "<br>"), ("<", "&lt;"), ("3", "3")]),
        ({}, "b<b>b</b>b", [("b", "b")] * 3),
        ({}, "Ａ\n\n好 ", [("A", "Ａ"), (" ", "\n\n"), ("好", "好")]),
        ({}, "&amp;amp;B", [("&", "&amp;amp;"), ("B", "B")]),
        ({}, "<script>x<</script>好<!-- y -->看", [("好", "好"), (" ", "<!-- y -->"), ("看", "看")]),
        ({"urls": "remove"}, "见http://a.cn看", [("见", "见"), (" ", "http://a.cn"), ("看", "看")]),
        ({"fullwidth": "nfkc"}, "90㎡…", [("9", "9"), ("0", "0"), *[(c, "㎡") for c in "m2"], *[(".", "…")] * 3]),
        (
            {"fullwidth": "nfkc"},
            "好q" + "\u0301" * 40 + "ー",
            [("好", "好"), ("q", "q"), *[("\u0301", "\u0301" * 40)] * 30, ("ー", "ー")],
        ),
        ({"fullwidth": "nfkc"}, "e\u0301ｶﾞ", [("é", "e\u0301"), ("ガ", "ｶﾞ")]),
        ({"traditional": "simplify"}, "後髮", [("后", "後"), ("发", "髮")]),
        ({"repeats": 2}, "哈哈哈哈 100", [*[("哈", "哈哈哈哈")] * 2, *[(c, c) for c in " 100"]]),
        ({"lowercase": True}, "AİB", [("a", "A"), ("i", "İ"), ("\u0307", "İ"), ("b", "B")]),
        ({"punctuation": "remove", "emoji": "remove"}, "好!👍👍好", [("好", "好"), (" ", "!👍👍"), ("好", "好")]),
    ],
)
def test_origins(settings: dict, text: str, origins: list[tuple[str, str]]) -> None:
    found = Cleaner(**settings).align(text)
    pairs = zip(found.text, found.begins, found.ends, strict=True)
    assert [(char, text[begin:end]) for char, begin, end in pairs] == origins


def test_places_in_the_original_and_not_only_its_spelling() -> None:
    found = Cleaner().align("b<b>b</b>b")
    assert found.begins.tolist() == [0, 4, 9]


@given(st.text("ab", max_size=12), st.text("abc", max_size=12))
def test_a_change_that_nobody_told_of(before: str, after: str) -> None:
    if not before:
        return
    found = Tracer(before).alignment(after)
    assert found.text == after
    assert (found.begins < found.ends).all() and (np.diff(found.begins) >= 0).all() and (np.diff(found.ends) >= 0).all()
    assert not after or found.ends[-1] <= len(before)


def test_deep_nesting_is_followed_too() -> None:
    text = "&" + "amp;" * 20 + "lt;很好"
    found = Cleaner().align(text)
    assert found.text == Cleaner().transform([text])[0]
    assert found.span(len(found.text) - 2, len(found.text)) == (len(text) - 2, len(text))


def test_long_texts_take_no_longer_than_their_length() -> None:
    found = Cleaner(repeats=2).align("<b>好 </b>&amp;  " * 20_000)
    assert len(found.text) > 20_000


def test_identity() -> None:
    assert Alignment.identity("很好").span(0, 2) == (0, 2)
    assert Alignment.identity("").begins.shape == (0,)
