"""The report: one safe, self-contained file that shows everything in both languages."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from fenlei.evaluation._words import WORDS
from fenlei.evaluation.metrics import evaluate_scores
from fenlei.evaluation.report import ReportData, describe, environment, render_report, write_report
from fenlei.exceptions import DataError

CLASSES = ["体育", "娱乐", "财经"]
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


class Excited(NamedTuple):
    """What the report shows of a filter."""

    width: int
    speaks: float
    ngrams: tuple


def evaluation(classes=CLASSES, n=60, seed=0, texts=None, multi_label=False):
    random = np.random.default_rng(seed)
    k = len(classes)
    if multi_label:
        truth = random.random((n, k)) < 0.2
        scores = (0.6 * random.random((n, k)) + 0.4 * truth).clip(0, 1)
        targets = [[classes[j] for j in np.flatnonzero(row)] for row in truth]
    else:
        ids = random.integers(0, k, n)
        scores = random.dirichlet(np.ones(k), n)
        scores[np.arange(n), ids] += 0.3
        scores /= scores.sum(axis=1, keepdims=True)
        targets = [classes[i] for i in ids]
    texts = texts or [f"第{i}条文本" for i in range(n)]
    return evaluate_scores(classes, scores, targets, texts=texts, multi_label=multi_label, resamples=50)


def full(**changes):
    fields = {
        "evaluation": evaluation(),
        "model": "models/新闻",
        "family": "tfidf",
        "data": "test.jsonl",
        "settings": {"C": 1.0, "ngrams": (1, 3), "clean": {"html": True}},
        "telling": {"体育": [("球 队", 2.5), ("赛", 1.0)], "娱乐": [], "财经": [("股", -1.0)]},
        "filters": {"体育": [Excited(2, 0.5, (("赢得 比赛", 3.0), ("冠军", 1.0)))], "娱乐": [], "财经": []},
        "learning_curve": [{"n": 100, "accuracy": 0.7, "f1_macro": 0.6}, {"n": 1000, "accuracy": 0.8}],
        "history": [
            {"epoch": 1, "loss": 0.9, "accuracy": 0.5},
            {"epoch": 2, "loss": float("nan"), "accuracy": 0.6},
        ],
        "audit": {
            "findings": [
                {
                    "kind": "exact-duplicates",
                    "severity": "warning",
                    "message": "12 rows twice",
                    "count": 12,
                    "fix": "--drop",
                }
            ],
            "splits": [{"split": "train", "rows": 100, "classes": {"体育": 3}, "lengths": {"median": 5, "max": 9}}],
        },
        "environment": environment(),
        "command": "fenlei evaluate models/新闻 test.jsonl --report r.html",
        "seconds": {"train": 1.25},
        "created": "2025-01-01",
    }
    return ReportData(**(fields | changes))


class Page(HTMLParser):
    """Tags, attributes and ids of a page, and whether every tag is closed."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.open = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in {"meta", "input", "br", "td"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        if tag != "td":
            assert self.open.pop() == tag


def test_whole_report_is_well_formed_and_self_contained():
    html = render_report(full())
    page = Page(html)
    assert page.open == []
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for tag, name, value in page.attributes:
        if name in {"href", "src", "xlink:href", "action"}:
            assert value.startswith("#"), (tag, name, value)
            assert value[1:] in ids
    assert set(re.findall(r"url\((.*?)\)", html)) == {f"url({i})"[4:-1] for i in re.findall(r"url\((#[^)]*)\)", html)}
    assert "://" not in re.sub(r"<!--.*?-->", "", html)
    assert not {"link", "iframe", "object", "embed", "img", "base", "form"} & set(page.tags)


def test_chinese_labels_are_text_in_the_charts():
    svgs = re.findall(r"<svg.*?</svg>", render_report(full()), re.DOTALL)
    assert len(svgs) == 7
    named = [text for svg in svgs for text in re.findall(r"<text[^>]*>(.*?)</text>", svg, re.DOTALL)]
    for label in CLASSES:
        assert sum(label in text for text in named) == 2  # ROC and precision-recall
    assert all('role="img" aria-label="' in svg for svg in svgs)
    assert not any("#0a0" in svg or "DejaVu" in svg for svg in svgs)


def test_every_section_is_there():
    html = render_report(full())
    for section in (
        "classes",
        "confusion",
        "curves",
        "confidence",
        "errors",
        "telling",
        "filters",
        "learning",
        "history",
    ):
        assert f'<section id="{section}">' in html
    for piece in (
        "球␣队",
        "赢得 比赛",
        "宽度 2",
        "width 2",
        "12 rows twice",
        "--drop",
        "[1, 3]",
        "fenlei evaluate models/新闻",
        "numpy",
        "1.25",
    ):
        assert piece in html
    assert "95% 置信区间" in html and "95% interval" in html


def test_only_the_evaluation_is_needed():
    html = render_report(ReportData(evaluation=evaluation()))
    assert Page(html).open == []
    for section in ("telling", "filters", "learning", "history", "audit"):
        assert f'id="{section}"' not in html


def test_markup_in_data_stays_text():
    found = evaluation([EVIL, "b"], texts=[EVIL] * 60)
    html = render_report(
        full(
            evaluation=found,
            model=EVIL,
            data=EVIL,
            command=EVIL,
            settings={EVIL: EVIL},
            telling={EVIL: [(EVIL, 1.0)]},
            filters={EVIL: [Excited(1, 1.0, ((EVIL, 1.0),))]},
            audit={"findings": [{"kind": EVIL, "severity": EVIL, "message": EVIL, "count": 1, "fix": EVIL}]},
        )
    )
    page = Page(html)
    assert page.tags.count("script") == 1 and "img" not in page.tags
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "default-src 'none'" in html


def test_what_an_audit_finds_has_a_name_in_both_languages():
    table = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8").partition("| kind |")[2]
    kinds = re.findall(r"`([a-z-]+)`", " ".join(line.split("|")[1] for line in table.splitlines() if line[:3] == "| `"))
    assert len(kinds) > 25 and set(kinds) <= WORDS.keys()
    assert "完全重复" in render_report(full())


def test_braces_and_dollars_are_text():
    classes = ["{evil}", "$\\frac{1}{2}$", "%s", "#0a0b09"]
    html = render_report(ReportData(evaluation=evaluate_scores(classes, np.eye(4), ["{new}", *classes[1:]])))
    for label in [*classes, "{new}"]:
        assert label in html


@pytest.mark.parametrize(
    "text",
    ["\ud800\x00", "", "   ", "长" * 100_000, "שלום עולם", "العربية", "हिन्दी", "👩‍👩‍👧", "]]>", "a\u202eb"],
)
def test_any_text(text):
    found = evaluation([text[:300] + "x", "y"], n=30, texts=[text] * 30)
    html = render_report(ReportData(evaluation=found))
    assert html.encode("utf-8")
    assert Page(html).open == []
    assert len(html) < 1_500_000


@pytest.mark.parametrize("n", [1, 2, 5])
def test_tiny_test_sets(n):
    assert Page(render_report(ReportData(evaluation=evaluation(n=n)))).open == []


def test_nothing_wrong():
    found = evaluate_scores(["a", "b"], np.eye(2), ["a", "b"])
    html = render_report(ReportData(evaluation=found))
    assert WORDS["no errors"][0] in html
    assert "too narrow" in html


def test_multi_label_with_28_classes():
    found = evaluation([f"标签{i}" for i in range(28)], n=300, multi_label=True)
    html = render_report(ReportData(evaluation=found))
    assert Page(html).open == []
    assert 'id="confusion"' not in html
    assert WORDS["false alarms"][1] in html


@pytest.mark.parametrize(("number", "shown"), [(50, 50), (150, 60)])
def test_many_classes(number, shown):
    html = render_report(ReportData(evaluation=evaluation([f"c{i:03}" for i in range(number)], n=3000)))
    matrix = html[html.index('<table class="matrix') :]
    assert matrix[: matrix.index("</table>")].count("<tr>") == shown + 1
    assert len(html) < 1_500_000


def test_large_test_set_stays_small():
    found = evaluation([f"类别{i}" for i in range(10)], n=25_000, texts=["很长的评论" * 200] * 25_000)
    assert len(render_report(ReportData(evaluation=found)).encode()) < 1_500_000


def test_same_inputs_same_bytes():
    assert render_report(full()) == render_report(full())


@pytest.mark.parametrize(
    ("asked", "classes", "expected"),
    [("", CLASSES, "zh"), ("", ["a", "b"], "en"), ("en", CLASSES, "en"), ("mixed", CLASSES, "zh")],
)
def test_language_shown_first(asked, classes, expected):
    found = evaluation(classes, texts=["text"] * 60)
    html = render_report(ReportData(evaluation=found, language=asked))
    assert f'<html lang="{expected}">' in html
    assert re.search(rf'id="to-{expected}"[^>]* checked>', html)


def test_every_word_is_in_both_languages():
    for english, chinese in WORDS.values():
        assert english and chinese
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", chinese))


def test_write(tmp_path):
    path = write_report(tmp_path / "new" / "报告.html", full())
    assert path.read_text(encoding="utf-8") == render_report(full())
    assert [file.name for file in path.parent.iterdir()] == ["报告.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_report(tmp_path / "file" / "r.html", full())


def test_describe_asks_the_model():
    class Linear:
        family, language_ = "tfidf", "zh"

        def get_params(self):
            return {"C": 2.0}

        def telling_ngrams(self, top):
            return {"体育": [("球", 1.0)] * top}

        def exciting_ngrams(self, top_filters):
            return {"体育": [Excited(1, 0.5, (("球", 1.0),))] * top_filters}

    data = describe(Linear(), evaluation(), model="m")
    assert (data.family, data.language, data.settings, data.model) == ("tfidf", "zh", {"C": 2.0}, "m")
    assert len(data.telling["体育"]) == 15
    assert len(data.filters["体育"]) == 10
    assert "numpy" in data.environment
    assert describe(object(), evaluation()).telling == describe(object(), evaluation()).filters == {}


def test_in_a_browser(tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium on this machine")
    path = write_report(tmp_path / "r.html", full())
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command = [browser, *flags, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()]
    dom = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout.decode()
    assert "<button" in dom  # the one script ran under the content security policy
    assert all(label in dom for label in CLASSES)


def test_a_class_without_an_interval_has_a_bar_all_the_same():
    found = evaluate_scores(CLASSES, np.eye(3), CLASSES, resamples=1, seed=4)
    with_interval = sum(scores.f1_interval is not None for scores in found.per_class.values())
    html = render_report(ReportData(evaluation=found))
    assert (html.count('class="bar heat"'), html.count("<u style=")) == (3, with_interval)
    assert with_interval < 3
