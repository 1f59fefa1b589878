"""Exact weights sum to the score, and each stands where what it comes from stands."""

from __future__ import annotations

import numpy as np
import pytest

from fenlei.explain.methods import explain
from fenlei.layers.folded import Shape
from fenlei.models.nbsvm import NbsvmClassifier
from fenlei.models.tfidf import TfidfClassifier
from fenlei.preparation import Preparation

LINEAR = [
    (TfidfClassifier, {}),
    (TfidfClassifier, {"classifier": "logistic", "tf": "count"}),
    (TfidfClassifier, {"ngrams": (2, 3), "char_ngrams": None, "boundaries": False}),
    (TfidfClassifier, {"hash_bits": 10}),
    (TfidfClassifier, {"segmenter": "jieba", "stop_words": "auto"}),
    (TfidfClassifier, {"segmenter": "jieba", "segment": {"mode": "search"}, "clean": {"traditional": "simplify"}}),
    (TfidfClassifier, {"segmenter": "jieba", "segment": {"tagged": True}}),
    (NbsvmClassifier, {}),
    (NbsvmClassifier, {"segmenter": "mixed", "clean": {"urls": "replace", "fullwidth": "nfkc"}}),
]


def scores_of(model, texts):
    return model.linear_.scores(model.features_.rows(model._prepare(texts)))


@pytest.mark.parametrize(("family", "settings"), LINEAR)
@pytest.mark.parametrize("examples", ["chinese", "english"])
def test_two_classes_have_one_score(family, settings, examples, odd_texts, request):
    data = request.getfixturevalue(examples)
    model = family(**settings).fit(data.texts, data.labels)
    texts = odd_texts + data.new_texts
    expected = scores_of(model, texts)[:, 0]
    for label, sign in zip(model.classes_, (-1, 1), strict=True):
        found = explain(model, texts, label=label, method="exact")
        assert [one.text for one in found] == texts
        np.testing.assert_allclose([one.score for one in found], sign * expected, atol=1e-5)


@pytest.mark.parametrize(("family", "settings"), LINEAR)
def test_more_classes_have_one_each(family, settings, topics, odd_texts):
    model = family(**settings).fit(topics.texts, topics.labels)
    texts = odd_texts + topics.new_texts
    for k, label in enumerate(model.classes_):
        found = explain(model, texts, label=label)
        np.testing.assert_allclose([one.score for one in found], scores_of(model, texts)[:, k], atol=1e-5)
        np.testing.assert_allclose([one.probability for one in found], model.predict_proba(texts)[:, k], atol=1e-6)


def test_several_labels_a_text(topics):
    model = TfidfClassifier().fit(topics.texts, [[label] for label in topics.labels])
    found = explain(model, topics.new_texts, label="tech")
    np.testing.assert_allclose([one.score for one in found], scores_of(model, topics.new_texts)[:, 2], atol=1e-5)


def test_naive_bayes_is_taken_less_its_mean(topics):
    model = TfidfClassifier(classifier="nb").fit(topics.texts, topics.labels)
    scores = np.array([[one.score for one in explain(model, topics.new_texts, label=k)] for k in model.classes_]).T
    raw = scores_of(model, topics.new_texts).astype(float)
    np.testing.assert_allclose(scores, raw - raw.mean(axis=1, keepdims=True), atol=1e-4)
    np.testing.assert_allclose(scores.sum(axis=1), 0, atol=1e-9)


def test_a_hand_worked_example():
    """Two pairs of characters; each gives half of what it adds to either character."""
    model = TfidfClassifier(ngrams=(2, 2), char_ngrams=None, boundaries=False, idf=False, tf="count")
    model.fit(["很好很好", "很差很差"], ["good", "bad"])
    weight = dict(zip(model.features_.vocabulary_, model.linear_.weights[:, 0].tolist(), strict=True))
    (found,) = explain(model, ["很好很"], segmenter="char", label="good")
    value = 1 / np.sqrt(2)
    halves = [value * weight["很好"] / 2, value * weight["好很"] / 2]
    expected = [halves[0], halves[0] + halves[1], halves[1]]
    np.testing.assert_allclose([segment.weight for segment in found.segments], expected, rtol=1e-5)
    assert found.base == pytest.approx(float(model.linear_.bias[0]))


def test_spaces_and_boundaries_take_nothing_from_words():
    model = TfidfClassifier(ngrams=(2, 2), char_ngrams=None).fit(["so good", "so bad"], ["good", "bad"])
    (found,) = explain(model, ["so   good"], label="good")
    assert found.base == pytest.approx(float(model.linear_.bias[0]), abs=1e-7)
    assert [segment.text for segment in found.segments] == ["so", "good"]


def test_a_word_that_tells(chinese, english):
    for data, text, telling in [(chinese, "这里的房间很脏", "脏"), (english, "the cast is awful", "awful")]:
        model = TfidfClassifier().fit(data.texts, data.labels)
        (found,) = explain(model, [text])
        assert telling in found.strongest(1)[0].text
        assert found.strongest(1)[0].weight > 0


def test_a_repeated_word_shares():
    model = TfidfClassifier(ngrams=(1, 1), char_ngrams=None).fit(["好", "差"], ["good", "bad"])
    (found,) = explain(model, ["好，好"], label="good", segmenter="char")
    first, _, second = (segment.weight for segment in found.segments)
    assert first == second > 0


SHAPES = [Shape(1, "max", 1, "relu"), Shape(2, "average", 1, "tanh"), Shape(1, "kmax", 2, "relu")]


def logits_of(model, texts):
    probabilities = model.predict_proba(texts)
    logs = np.log(probabilities) - np.log1p(-probabilities) if model.multi_label_ else np.log(probabilities)
    return logs if model.multi_label_ else logs - logs.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"unit": "char", "max_length": 6},
        {"unit": "both", "preparation": Preparation(segmenter="mixed", segment={"unspaced": "jieba"})},
        {"preparation": Preparation(segmenter="jieba", stop_words=["很"])},
    ],
    ids=["token", "cut", "both", "jieba"],
)
def test_folded_models(shape, multi_label, more, folded, odd_texts):
    model = folded(shape=shape, multi_label=multi_label, **more)
    expected = logits_of(model, odd_texts)
    for k, label in enumerate(model.classes_):
        found = explain(model, odd_texts, label=label, method="exact")
        np.testing.assert_allclose([one.score for one in found], expected[:, k], atol=2e-5)


def test_what_a_folded_model_does_not_read_says_nothing(folded):
    model = folded(max_length=3)
    (found,) = explain(model, ["房间很干净"], segmenter="char", label="good")
    assert [segment.weight == 0 for segment in found.segments] == [False, False, False, True, True]
