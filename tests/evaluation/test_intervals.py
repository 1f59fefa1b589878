"""Drawing outcomes gives the intervals that drawing texts, row by row, gives."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from fenlei.evaluation import intervals
from fenlei.evaluation._answers import encode


def answers(multi_label, n=250, seed=3):
    random = np.random.default_rng(seed)
    names = ["甲", "乙", "c"]
    if multi_label:
        truth = random.random((n, 3)) < [0.5, 0.3, 0.1]
        scores = (0.7 * random.random((n, 3)) + 0.3 * truth).clip(0, 1)
        targets = [[names[j] for j in np.flatnonzero(row)] for row in truth]
    else:
        ids = random.choice(3, n, p=[0.6, 0.3, 0.1])
        scores = random.dirichlet([1, 1, 1], n)
        scores[np.arange(n), ids] += 0.5
        targets = [names[i] for i in ids]
    return encode(names, scores, targets, multi_label=multi_label)


def row_by_row(found, resamples=1500):
    random = np.random.default_rng(99)
    n = len(found.truth)
    truth, given = found.truth, found.given
    if not found.multi_label:
        truth, given = truth.argmax(axis=1), given.argmax(axis=1)
    outcomes = []
    for _ in range(resamples):
        rows = random.integers(0, n, n)
        t, g = truth[rows], given[rows]
        f1 = [f1_score(t, g, average=a, zero_division=0) for a in ("micro", "macro", "weighted")]
        outcomes.append([accuracy_score(t, g), *f1])
    return np.percentile(outcomes, [2.5, 97.5], axis=0).T


@pytest.mark.parametrize("multi_label", [False, True])
def test_like_drawing_rows(multi_label):
    found = answers(multi_label)
    names = ("accuracy", "f1_micro", "f1_macro", "f1_weighted")
    drawn = intervals.bootstrap(found, resamples=4000)
    expected = row_by_row(found, resamples=400)
    assert np.array([drawn.overall[name] for name in names]) == pytest.approx(expected, abs=0.015)


def test_accuracy_interval_is_binomial():
    found = answers(multi_label=False, n=400)
    share = found.right.mean()
    low, high = intervals.bootstrap(found, resamples=5000).overall["accuracy"]
    half = 1.96 * np.sqrt(share * (1 - share) / 400)
    assert (low, high) == pytest.approx((share - half, share + half), abs=0.006)


def test_drawing_in_parts_changes_nothing(monkeypatch):
    found = answers(multi_label=True)
    whole = intervals.bootstrap(found, resamples=50)
    monkeypatch.setattr(intervals, "_CELLS_AT_ONCE", 100)
    parts = intervals.bootstrap(found, resamples=50)
    assert parts.overall == whole.overall
    assert (parts.f1 == whole.f1).all()


def test_all_right_has_no_spread():
    found = encode(["a", "b"], np.eye(2), ["a", "b"])
    assert intervals.bootstrap(found).overall["accuracy"] == (1.0, 1.0)


def of_one_class(n_texts, n_right):
    """An interval of a class of so many texts, among eighty others that are answered right."""
    targets = ["a"] * 40 + ["b"] * 40 + ["c"] * n_texts
    given = targets[: 80 + n_right] + ["a"] * (n_texts - n_right)
    found = encode(["a", "b", "c"], np.eye(3)[["abc".index(label) for label in given]], targets)
    return found, intervals.bootstrap(found, resamples=4000).f1[2]


def test_resamples_without_a_class_say_nothing_of_it():
    assert of_one_class(2, 2)[1].tolist() == [1.0, 1.0]


def test_a_rare_class_like_drawing_rows():
    found, bounds = of_one_class(5, 4)
    random = np.random.default_rng(7)
    truth, given = found.truth.argmax(axis=1), found.given.argmax(axis=1)
    drawn = (random.integers(0, 85, 85) for _ in range(2000))
    kept = [rows for rows in drawn if (truth[rows] == 2).any()]
    f1 = [f1_score(truth[rows] == 2, given[rows] == 2, zero_division=0) for rows in kept]
    assert bounds == pytest.approx(np.percentile(f1, [2.5, 97.5]), abs=0.01)


def test_a_class_in_no_resample_has_no_interval():
    found = encode(["a", "b", "c"], np.eye(3), ["a", "b", "c"])
    one = intervals.bootstrap(found, resamples=1, seed=4)
    lacking = np.isnan(one.f1).all(axis=1)
    assert 0 < lacking.sum() < 3
    assert (one.f1[~lacking] == 1).all()
