from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import fenlei
from fenlei.exceptions import NotFittedError, SettingError, UnknownNameError
from fenlei.explain.methods import METHODS, explain
from fenlei.models.tfidf import TfidfClassifier
from fenlei.segment.jieba import JiebaSegmenter


@pytest.fixture
def linear(chinese):
    return TfidfClassifier().fit(chinese.texts, chinese.labels)


def test_exact_where_it_can_be_had(linear, folded, word_list):
    assert list(METHODS) == ["exact", "occlusion"]
    methods = [explain(model, ["好"])[0].method for model in (linear, folded(), word_list())]
    assert methods == ["exact", "exact", "occlusion"]


@pytest.mark.parametrize("method", list(METHODS))
def test_the_label_is_the_predicted_one(linear, chinese, method):
    found = explain(linear, chinese.new_texts, method=method)
    assert [one.label for one in found] == chinese.new_labels
    best = linear.predict_proba(chinese.new_texts).max(axis=1)
    np.testing.assert_allclose([one.probability for one in found], best)


@pytest.mark.parametrize("method", list(METHODS))
def test_segments_are_cut_from_the_text_that_was_given(linear, odd_texts, method):
    for one in explain(linear, odd_texts, method=method):
        end = 0
        for segment in one.segments:
            assert end <= segment.start < segment.end <= len(one.text)
            assert one.text[segment.start : segment.end] == segment.text
            assert np.isfinite(segment.weight)
            end = segment.end
        json.dumps(one.to_dict(), allow_nan=False)


def test_each_predicted_label_of_a_text_with_several(word_list):
    model = word_list(multi_label=True)
    model._scores = lambda texts: np.tile([0.6, 0.9], (len(texts), 1))
    assert [one.label for one in explain(model, ["很好"])] == ["good", "bad"]
    model._scores = lambda texts: np.tile([0.2, 0.1], (len(texts), 1))
    assert [one.label for one in explain(model, ["很好"])] == ["bad"]
    assert [one.label for one in explain(model, ["很好"], label="good")] == ["good"]


def test_labels_may_be_numbers():
    model = TfidfClassifier().fit(["好", "差"], [1, 0])
    assert [one.label for one in explain(model, ["好"])] == [1]
    assert explain(model, ["好"], label=0)[0].label == explain(model, ["好"], label="0")[0].label == 0


def test_segments_as_one_wishes(linear):
    by_name, by_segmenter = (explain(linear, ["北京很干净"], segmenter=s)[0] for s in ("char", JiebaSegmenter()))
    assert [segment.text for segment in by_name.segments] == list("北京很干净")
    assert [segment.text for segment in by_segmenter.segments] == ["北京", "很", "干净"]
    assert by_name.score == pytest.approx(by_segmenter.score)


def test_no_text_no_explanation(linear):
    assert explain(linear, []) == []


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"label": "好"}, UnknownNameError, "unknown label '好'; did you mean '好评'? known: 好评, 差评"),
        ({"method": "lime"}, UnknownNameError, "unknown method 'lime'; known: auto, exact, occlusion"),
        ({"texts": "好"}, SettingError, "got one string"),
        ({"segmenter": "jeiba"}, UnknownNameError, "did you mean 'jieba'"),
    ],
)
def test_mistakes(linear, change, error, message):
    with pytest.raises(error, match=message.replace("?", r"\?")):
        explain(linear, **{"texts": ["好"], **change})


def test_a_method_that_is_not_for_the_model(word_list):
    with pytest.raises(SettingError, match="'exact' is not for the family 'word-list'; take occlusion"):
        explain(word_list(), ["好"], method="exact")


def test_an_untrained_model():
    with pytest.raises(NotFittedError):
        explain(TfidfClassifier(), ["好"])


def test_long_texts(linear):
    text = "房间很干净，good room! <b>&amp;</b>" * 4000
    (found,) = explain(linear, [text])
    assert len(found.segments) > 30_000


def test_nothing_heavy_is_loaded(linear, folded, tmp_path):
    folders = [str(fenlei.save(model, tmp_path / model.family)) for model in (linear, folded())]
    code = (
        "import sys, fenlei\n"
        "from fenlei.explain.methods import explain\n"
        "from fenlei.explain.page import render_page\n"
        f"for folder in {folders!r}:\n"
        "    for method in ('exact', 'occlusion'):\n"
        "        render_page(explain(fenlei.load(folder), ['房间很干净 good'], method=method))\n"
        "assert not {'torch', 'sklearn', 'transformers', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
