"""Scores become the objects that every way out writes."""

from __future__ import annotations

import numpy as np
import pytest

from fenlei.models.tfidf import TfidfClassifier
from fenlei.scoring.predictions import as_predictions


@pytest.fixture
def model():
    return TfidfClassifier().fit(["很好", "很差", "一般"], ["好评", "差评", "一般"])  # sorted: 一般, 好评, 差评


def test_the_likeliest_class(model):
    (one,) = as_predictions(model, np.array([[0.2, 0.5, 0.3]]))
    assert one == {"label": "好评", "score": 0.5}


def test_classes_best_first_and_ties_in_the_order_of_names(model):
    one, two = as_predictions(model, np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]]), shown=2)
    assert list(one["scores"].items()) == [("好评", 0.5), ("差评", 0.3)]
    assert list(two["scores"].items()) == [("一般", 0.4), ("差评", 0.4)]


def test_several_labels(model):
    model.multi_label_ = True
    both, none = as_predictions(model, np.array([[0.7, 0.1, 0.6], [0.1, 0.2, 0.3]]))
    assert both == {"labels": ["一般", "差评"], "score": 0.7}
    assert none == {"labels": [], "score": 0.3}


def test_labels_that_are_numbers_stay_numbers():
    model = TfidfClassifier().fit(["good", "bad"], [1, 0])
    (one,) = as_predictions(model, np.array([[0.1, 0.9]]), shown=1)
    assert one == {"label": 1, "score": 0.9, "scores": {"1": 0.9}}


def test_no_texts(model):
    assert as_predictions(model, np.zeros((0, 3)), shown=3) == []
