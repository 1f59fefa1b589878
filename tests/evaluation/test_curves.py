"""Curves: hand-worked points, thinning, averages."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from fenlei.evaluation import curves
from fenlei.evaluation._answers import encode


def test_hand_worked_roc_and_precision_recall():
    # class "a", best first: right, wrong, right, wrong
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
    answers = encode(["a", "b"], scores, ["a", "b", "a", "b"])
    roc, found = (kind.by_class["a"] for kind in curves.make_curves(answers))
    assert list(zip(roc.x, roc.y, strict=True)) == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]
    assert roc.area == 0.75
    points = [(0, 1), (0.5, 1), (0.5, 0.5), (1, 2 / 3), (1, 0.5)]
    assert np.array(list(zip(found.x, found.y, strict=True))) == pytest.approx(np.array(points))
    assert found.area == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_thin_but_near_the_whole_curve():
    random = np.random.default_rng(0)
    truth = random.random(20_000) < 0.3
    scores = np.where(truth, random.normal(0.6, 0.15, 20_000), random.normal(0.4, 0.15, 20_000)).clip(0, 1)
    targets = [["x"] if true else [] for true in truth]
    answers = encode(["x"], scores[:, None], targets, multi_label=True)
    for found in curves.make_curves(answers):
        curve = found.by_class["x"]
        assert len(curve.x) <= curves.MAX_POINTS
        assert (np.diff(curve.x) >= 0).all()
        assert auc(curve.x, curve.y) == pytest.approx(curve.area, abs=0.005)
    roc = curves.make_curves(answers)[0].by_class["x"]
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)


def test_macro_is_the_mean_of_the_curves():
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
    found, _ = curves.make_curves(encode(["a", "b"], scores, ["a", "b", "a", "b"]))
    assert found.macro.area == np.mean([curve.area for curve in found.by_class.values()])
    assert found.macro.y[0] >= 0 and found.macro.y[-1] == 1


def test_no_curve_for_a_class_without_texts():
    found, _ = curves.make_curves(encode(["a", "b", "c"], np.eye(3)[:2], ["a", "b"]))
    assert set(found.by_class) == {"a", "b"}
    assert found.area("c") is None


def test_ties_like_scikit_learn():
    random = np.random.default_rng(5)
    truth = random.random(300) < 0.4
    scores = (random.random(300) * 0.5 + truth * 0.3).round(1)
    answers = encode(["x"], scores[:, None], [["x"] if true else [] for true in truth], multi_label=True)
    roc, precision_recall = (found.by_class["x"] for found in curves.make_curves(answers))
    x, y, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert (roc.x == x).all() and (roc.y == y).all()
    assert roc.area == pytest.approx(roc_auc_score(truth, scores))
    y, x, _ = precision_recall_curve(truth, scores)
    assert precision_recall.x[1:] == pytest.approx(x[-2::-1])
    assert precision_recall.y[1:] == pytest.approx(y[-2::-1])
    assert precision_recall.area == pytest.approx(average_precision_score(truth, scores))
