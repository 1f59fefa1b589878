"""Figures of two models side by side."""

from __future__ import annotations

import numpy as np
import pytest

import fenlei
from fenlei.compress.folding import fold
from fenlei.compress.measure import compare, generated_texts
from fenlei.exceptions import SettingError

pytest.importorskip("torch")


class Fixed:
    """Gives each text the same scores, and takes no time."""

    family, classes_, multi_label_ = "fixed", np.array(["bad", "good"]), False

    def __init__(self, *scores: list[float]) -> None:
        self.scores = dict(zip(("a", "b", "c", "d"), scores, strict=True))

    def predict_proba(self, texts):
        return np.array([self.scores[text] for text in texts])

    def labels_from_scores(self, scores):
        return self.classes_[scores.argmax(1)]

    def to_files(self):
        return {"x.json": b"12345", "y.json": b"1"}


def test_figures():
    before = Fixed([0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.1, 0.9])
    after = Fixed([0.9, 0.1], [0.25, 0.75], [0.4, 0.6], [0.1, 0.9])
    found = compare(before, after, ["a", "b", "c", "d"], ["bad", "good", "bad", "bad"])
    assert (found.n_texts, found.agreement) == (4, 0.75)
    assert found.largest_difference == pytest.approx(0.2)
    assert (found.before.accuracy, found.after.accuracy, found.loss) == (0.75, 0.5, 25.0)
    assert found.before.bytes == 6
    assert found.before.single_ms > 0 and found.after.texts_per_second > 0
    assert found.to_dict()["loss"] == 25.0


def test_without_labels_there_is_no_accuracy(network):
    model = fold(network(multi_label=True))
    found = compare(model, model, generated_texts(model, 50))
    assert (found.before.accuracy, found.loss) == (None, None)
    assert (found.largest_difference, found.agreement) == (0.0, 1.0)


@pytest.mark.parametrize("unit", ["token", "char", "both"])
def test_generated_texts_are_of_known_tokens(network, unit):
    model = network(unit=unit)
    texts = generated_texts(model, 100)
    assert texts == generated_texts(model, 100) != generated_texts(model, 100, seed=1)
    assert len(texts) == 100 and len(set(texts)) > 90
    ids = model.inputs_.transform(model.preparation_.transform(texts))[0].ids
    assert (ids >= 2).mean() > 0.95


def test_texts_of_an_encoder_are_drawn_from_its_pieces(tiny_encoder):
    from fenlei.models.probe import ProbeClassifier

    model = ProbeClassifier(encoder=str(tiny_encoder), C=1.0).fit(["好", "差"], ["a", "b"])
    texts = generated_texts(model, 50)
    assert texts == generated_texts(model, 50)
    assert len(texts) == 50
    ids = model.tokenizer_.encode(texts).ids
    assert (ids == model.tokenizer_.unknown_id).mean() < 0.05
    assert not any("[" in text or "##" in text for text in texts)


def test_none_can_be_drawn_without_a_vocabulary_of_tokens():
    model = fenlei.TfidfClassifier().fit(["好", "差"], ["a", "b"])
    with pytest.raises(SettingError, match="no texts can be drawn for a tfidf, to measure on; give some with --data"):
        generated_texts(model)
