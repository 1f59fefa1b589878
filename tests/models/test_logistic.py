"""Logistic regression over vectors, against scikit-learn's and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fenlei.models import _logistic
from fenlei.models._logistic import DEFAULT_C, fit_logistic
from fenlei.targets import Targets


def problem(n=200, size=12, n_classes=3, noise=6.0, seed=0):
    """Vectors far from 0, as those of an encoder, and classes that follow from them but for some noise."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(n, size)) + 5
    answers = (vectors - 5) @ random.normal(size=(size, n_classes)) + noise * random.normal(size=(n, n_classes))
    return vectors.astype(np.float32), answers


def single(answers):
    return Targets(np.eye(answers.shape[1], dtype=bool)[answers.argmax(1)], multi_label=False)


def scaled(vectors, weights):
    """What C is about: vectors of mean 0 and mean squared length 1."""
    moved = vectors - np.average(vectors.astype(float), axis=0, weights=weights)
    return moved / np.sqrt(np.average((moved**2).sum(1), weights=weights))


@pytest.mark.parametrize("C", [0.3, 20.0])
def test_softmax_equals_scikit_learns(C):
    vectors, answers = problem()
    weights = np.random.default_rng(1).integers(1, 4, 200).astype(float)
    ours, _ = fit_logistic(vectors, single(answers), np.repeat(weights[:, None], 3, 1), C)
    X = scaled(vectors, weights)
    theirs = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, answers.argmax(1), weights)
    odds = np.exp(ours.scores(vectors))
    np.testing.assert_allclose(odds / odds.sum(1, keepdims=True), theirs.predict_proba(X), atol=1e-4)


def test_each_of_several_labels_equals_scikit_learns_binary_one():
    vectors, answers = problem()
    costs = np.where(answers > 0, 2.0, 1.0)
    ours, _ = fit_logistic(vectors, Targets(answers > 0, multi_label=True), costs, 5.0)
    X = scaled(vectors, costs.mean(1))
    for k in range(3):
        theirs = LogisticRegression(C=5.0, tol=1e-10, max_iter=10_000).fit(X, answers[:, k] > 0, costs[:, k])
        np.testing.assert_allclose(ours.scores(vectors)[:, k], theirs.decision_function(X), atol=1e-3)


def test_a_label_of_all_rows_and_one_of_none_have_a_bias_only():
    vectors, answers = problem(n=20)
    indicator = np.stack([answers[:, 0] > 0, np.ones(20, bool), np.zeros(20, bool)], 1)
    found, _ = fit_logistic(vectors, Targets(indicator, multi_label=True), np.ones((20, 3)), 1.0)
    assert not found.weights[:, 1:].any()
    np.testing.assert_allclose(found.bias[1:], [np.log(21), -np.log(21)])


def test_a_row_of_weight_three_is_as_good_as_three_rows():
    vectors, answers = problem(n=50)
    weights = np.ones(50)
    weights[:10] = 3
    order = np.repeat(np.arange(50), weights.astype(int))
    heavy, _ = fit_logistic(vectors, single(answers), np.repeat(weights[:, None], 3, 1), 3.0)
    often, _ = fit_logistic(vectors[order], single(answers[order]), np.ones((70, 3)), 3.0)
    np.testing.assert_allclose(heavy.scores(vectors), often.scores(vectors), atol=1e-3)


@pytest.mark.parametrize(("noise", "least", "most"), [(0.0, 300, 1e4), (60.0, 0.1, 1.0)], ids=["plain", "noise"])
def test_the_chosen_C_is_large_where_the_classes_are_plain(noise, least, most):
    vectors, answers = problem(n=400, noise=noise)
    _, chosen = fit_logistic(vectors, single(answers), np.ones((400, 3)))
    assert least <= chosen <= most


def test_the_chosen_C_is_about_the_best_on_other_rows():
    vectors, answers = problem(n=2300)
    part, rest = slice(300), slice(300, None)
    classes = single(answers).indices

    def loss(C=None):
        found, chosen = fit_logistic(vectors[part], single(answers[part]), np.ones((300, 3)), C, seed=1)
        scores = found.scores(vectors[rest])
        logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        return -logs[np.arange(2000), classes[rest]].mean(), chosen

    best = min(loss(C)[0] for C in _logistic._GRID)
    assert loss()[0] < best + 0.01
    assert loss(1e4)[0] > best + 0.01


def test_of_too_few_rows_the_default_is_taken():
    vectors, answers = problem(n=4)
    answers[:] = np.eye(3)[[0, 1, 2, 2]]
    assert fit_logistic(vectors, single(answers), np.ones((4, 3)))[1] == DEFAULT_C


def test_the_only_row_of_a_class_is_never_held_out():
    indicator = np.eye(3)[[0] * 7 + [1] * 6 + [2]]
    rows = _logistic.Rows(np.zeros((14, 1)), indicator, np.ones((14, 3)), multi_label=False)
    part = _logistic._parts(rows, seed=0)
    assert part[13] == -1
    for k in range(5):
        held = part == k
        assert 2 <= held.sum() <= 3
        assert indicator[~held].any(0).all()


def test_of_many_rows_some_are_chosen_by(monkeypatch):
    monkeypatch.setattr(_logistic, "_ROWS", 60)
    vectors, answers = problem(n=300)
    rows = _logistic.Rows(vectors, single(answers).indicator, np.ones((300, 3)), multi_label=False)
    assert (_logistic._parts(rows, seed=0) >= 0).sum() == 60
    assert fit_logistic(vectors, single(answers), np.ones((300, 3)))[1] in _logistic._GRID


def test_equal_vectors_have_the_shares_of_their_classes():
    vectors = np.ones((4, 3), np.float32)
    found, _ = fit_logistic(vectors, Targets(np.eye(2, dtype=bool)[[0, 0, 0, 1]], multi_label=False), np.ones((4, 2)))
    odds = np.exp(found.scores(vectors[:1])[0])
    np.testing.assert_allclose(odds / odds.sum(), [0.75, 0.25], atol=1e-3)
