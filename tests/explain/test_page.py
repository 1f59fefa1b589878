from __future__ import annotations

import re

from fenlei.explain.explanation import Explanation, Segment
from fenlei.explain.page import render_page

FOUND = Explanation(
    "<script>alert('好')</script>很好,\x00\ud800", "<b>好评", "exact", 0.9, 0.25,
    (Segment("alert", 8, 13, -0.5), Segment("很好", 27, 29, 2.0), Segment(",", 29, 30, 0.01)),
)  # fmt: skip


def test_texts_are_shown_and_never_run():
    page = render_page([FOUND], model="<i>m", family="tfidf")
    assert "<script" not in page
    assert "&lt;b&gt;好评" in page and "&lt;i&gt;m" in page
    assert "\x00" not in page and "\ud800" not in page
    page.encode("utf-8")


def test_colours_follow_the_weights():
    page = render_page([FOUND])
    assert '<span class="for8" title="+2.000">很好</span>,' in page
    assert '<span class="against2" title="-0.500">alert</span>' in page


def test_the_whole_text_stands_there():
    shown = re.search(r'<p class="text" lang="">(.*?)</p>', render_page([FOUND]))[1]
    plain = re.sub("<[^>]+>", "", shown)
    assert plain == "&lt;script&gt;alert(&#39;好&#39;)&lt;/script&gt;很好,\ufffd\ufffd"


def test_the_figures():
    page = render_page([FOUND])
    for figure in ("0.9000", "+0.2500", "+1.7600", "27–29"):
        assert figure in page


def test_long_texts_say_so():
    long = Explanation("很好", "a", "occlusion", 0.5, 0.0, (Segment("很好", 0, 2, 1.0),), words_per_segment=7)
    assert "7 words make one segment" in render_page([long])
    assert "words make one segment" not in render_page([FOUND])


def test_it_needs_nothing_from_outside():
    page = render_page([FOUND])
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=", page)
    assert render_page([]).rstrip().endswith("</html>")
