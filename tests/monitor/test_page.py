"""The page holds everything, in both languages, and nothing that a stranger wrote runs."""

from __future__ import annotations

import re
import string
from html.parser import HTMLParser

import pytest

from fenlei.monitor.reference_builder import training_reference
from fenlei.monitor.words import WORDS

pytest.importorskip("sqlalchemy")

from fenlei.monitor.page import render_page
from fenlei.monitor.summary import summarize

START = 1_799_996_400.0
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def summary(store, record):
    reference = training_reference(["很好", "很差的服务", "good"] * 60, ["好评", "差评", EVIL] * 60)
    labels = ["好评", "差评", EVIL, "中\ud800"]
    store.add([record(f"{i}", time=START + 60 * i, label=labels[i % 4], unknown=0.1) for i in range(240)])
    for i in range(60):
        store.feedback(f"{i}", "好评")
    return summarize(store, reference, model="shop", since=START, until=START + 14_400, window=7200.0)


class Checker(HTMLParser):
    """Collects tags, and what would load something."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.loads = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.loads += [value for name, value in attributes if name in ("src", "href") and not value.startswith("#")]
        if tag not in {"meta", "input", "br", "link", "use", "path", "rect", "circle", "line"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_and_runs_nothing(summary):
    page = render_page([summary, summary], database="monitor.db", created="2026-11-22 12:00")
    found = Checker()
    found.feed(page)
    assert found.open == []
    assert "script" not in found.tags
    assert found.loads == []
    assert found.tags.count("svg") == 2 * 9
    assert EVIL not in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    page.encode("utf-8")


def test_chinese_labels_are_text_in_charts_and_tables(summary):
    page = render_page([summary], database="monitor.db")
    assert re.search(r"<text[^>]*>\u2068差评\u2069</text>", page)
    assert "<bdi>好评</bdi>" in page
    assert '<html lang="zh">' in page
    assert page.count('class="notice"') == len(summary.alerts) > 0


def test_the_same_summary_gives_the_same_bytes(summary):
    assert render_page([summary], database="a") == render_page([summary], database="a")


def test_pages_of_nothing(store):
    assert "没有预测" in render_page([], database="a")
    assert "svg" not in render_page([summarize(store, None, model="x")], database="a").partition("</style>")[2]


def test_words_have_both_languages_and_the_same_places():
    fields = lambda text: {name for _, name, _, _ in string.Formatter().parse(text) if name}  # noqa: E731
    for key, (english, chinese) in WORDS.items():
        assert english and chinese, key
        assert fields(english) == fields(chinese), key
