from __future__ import annotations

import pytest

from fenlei.clean.links import replace_emails, replace_mentions, replace_urls


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("见http://a.cn/b看看", "见|看看"),
        ("网址：https://a.cn/b?x=1&y=%20#z。", "网址：|。"),
        ("HTTPS://A.CN，很好", "|，很好"),
        ("(see www.a.com/b_(c).)", "(see |).)"),
        ("wwww.a.com 2www.b.com", "wwww.a.com 2www.b.com"),
        ("http:// ://", "http:// ://"),
    ],
)
def test_urls(text: str, marked: str) -> None:
    assert replace_urls(text, "|") == marked


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("发到a@b.cn谢谢", "发到|谢谢"),
        ("first.last+tag@mail.example.co.uk.", "|."),
        ("邮箱1234@qq.com，", "邮箱|，"),
        ("a@b @c 3@4", "a@b @c 3@4"),
    ],
)
def test_emails(text: str, marked: str) -> None:
    assert replace_emails(text, "|") == marked


@pytest.mark.parametrize(
    ("text", "marked"),
    [("@张三 你好", "| 你好"), ("thanks@bob", "thanks@bob"), ("@ 5", "@ 5"), ("好@bob_1!", "好|!")],
)
def test_mentions(text: str, marked: str) -> None:
    assert replace_mentions(text, "|") == marked
