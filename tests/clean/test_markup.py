from __future__ import annotations

import pytest

from fenlei.clean.markup import strip_html


@pytest.mark.parametrize(
    "text",
    [
        "a < b",
        "I <3 u",
        "a<b",
        "<色戒>",
        "<sigh>",
        "<bob@x.com>",
        "x <b and c> y",
        "<",
        "&",
        "AT&T",
        "&foo;",
        "&lt",
    ],
)
def test_what_is_not_html_stays(text: str) -> None:
    assert strip_html(text) == text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("很<b>好</b>", "很好"),
        ("one<br>two<BR/>three<br />four", "one two three four"),
        ("<P class='x y'>hi</p >", " hi "),
        ('<a href="http://a.cn" target=_blank>链接</a>', "链接"),
        ("a<!-- <b>x</b> -->b", "a b"),
        ("a<script type='x'>if (a<b) {}</script>b<style>p{}</style>c", "a b c"),
        ("<!DOCTYPE html><html>x", "  x"),
        ("&lt;&#60;&#x3C;&nbsp;&hearts;&#128077;", "<<<\xa0♥👍"),
        ("&amp;lt;", "&lt;"),
        ("<!-- never closed <b>x</b>", "<!-- never closed x"),
    ],
)
def test_html_goes(text: str, plain: str) -> None:
    assert strip_html(text) == plain
