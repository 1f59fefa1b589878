r"""Logistic regression over vectors: what stands on an encoder that does not learn.

.. math:: \min_{W, b} \; \frac{1}{2 C} \lVert W \rVert^2 + \sum_i c_i \, \ell(W^\top \tilde x_i + b, \; y_i)

with the cross-entropy :math:`\ell` of the softmax, or for multi-label the sum of one binary cross-entropy a label, and
:math:`\tilde x = (x - \mu) / s` such that :math:`\tilde x` has mean 0 and mean squared length 1. The vectors of most
encoders lie in a narrow cone; moved and scaled so, one C means the same for all of them.

C is the variance of the weights' prior, so the best one depends on the task, and not on the number of texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fenlei.features._types import F32, F64, I64
from fenlei.targets import Targets

DEFAULT_C = 30.0
"""The likeliest C before any text is seen."""
_SPREAD = float(np.log(10))  # of its logarithm: of eight texts the held-out loss tells next to nothing
_GRID = tuple(float(c) for c in 10 ** np.arange(-1, 4.1, 0.5))  # from 0.1 to 10,000
_FOLDS = 5
_ROWS = 5000  # to choose C by, at most
_WORSE = 2  # values of C, one after the other, after which no larger one is tried
_TOLERANCE = 1e-6  # of the mean loss's slope
_ROUGH = 1e-4  # the same where C is chosen
_MAX_ITER = 1000


@dataclass(frozen=True)
class Logistic:
    """Weights of a logistic regression.

    Attributes
    ----------
    weights : array of shape (size, n_classes)
    bias : array of shape (n_classes,)
    """

    weights: F64
    bias: F64

    def scores(self, vectors: NDArray[Any]) -> F64:
        """Score of each vector for each class, shape (n, n_classes)."""
        found: F64 = vectors @ self.weights + self.bias
        return found


@dataclass(frozen=True)
class Rows:
    """Vectors with their classes.

    Attributes
    ----------
    vectors : array of float64, shape (n, size)
    indicator : array of float64, shape (n, n_classes)
        1 for the classes of each.
    costs : array of float64, shape (n, n_classes)
        How much each vector counts for each class; single-label the same for all classes.
    multi_label : bool
    """

    vectors: F64
    indicator: F64
    costs: F64
    multi_label: bool

    def take(self, chosen: NDArray[Any]) -> Rows:
        """Keep some rows."""
        return Rows(self.vectors[chosen], self.indicator[chosen], self.costs[chosen], self.multi_label)

    def loss(self, scores: F64) -> tuple[float, F64]:
        """Give the loss of all rows together, and its slope by each score."""
        if self.multi_label:
            each = np.logaddexp(0, scores) - self.indicator * scores
            slope = 0.5 * (1 + np.tanh(0.5 * scores)) - self.indicator
        else:
            top = scores.max(axis=1, keepdims=True)
            odds = np.exp(scores - top)
            total = odds.sum(axis=1, keepdims=True)
            each = self.indicator * (np.log(total) + top - scores)
            slope = odds / total - self.indicator
        return float((self.costs * each).sum()), self.costs * slope


def fit_logistic(
    vectors: F32, targets: Targets, costs: F64, C: float | None = None, *, seed: int = 0
) -> tuple[Logistic, float]:
    """Fit a logistic regression to vectors.

    Parameters
    ----------
    vectors : array of shape (n, size)
    targets : Targets
    costs : array of shape (n, n_classes)
        As `fenlei.models._linear.row_costs` gives them; rows that count nothing are to be left out before.
    C : float, optional
        None chooses by the log loss of a cross-validation in five parts; of few texts a C near 30.
    seed : int
        Of the parts.

    Returns
    -------
    Logistic, C
        Weights for the vectors as they are, and the C that they are of.
    """
    weight = costs.mean(axis=1)
    moved = vectors.astype(np.float64)
    centre = np.average(moved, axis=0, weights=weight)
    moved -= centre
    scale = float(np.sqrt(np.average(np.einsum("nd,nd->n", moved, moved), weights=weight))) or 1.0
    moved /= scale
    rows = Rows(moved, targets.indicator.astype(np.float64), costs, targets.multi_label)
    chosen = _choose(rows, seed) if C is None else float(C)
    found = solve(rows, chosen)
    weights = found.weights / scale
    return Logistic(weights, found.bias - centre @ weights), chosen


def solve(rows: Rows, C: float, start: Logistic | None = None, *, tolerance: float = _TOLERANCE) -> Logistic:
    """Find the weights of least loss (Liu and Nocedal, "On the limited memory BFGS method", 1989).

    A label that all rows have, or none, has no best bias: its own is that of one more row with it and one without.
    """
    from scipy.optimize import minimize

    size, n_classes = rows.vectors.shape[1], rows.indicator.shape[1]
    total = rows.costs.mean(axis=1).sum()
    first = start or Logistic(np.zeros((size, n_classes)), np.zeros(n_classes))

    def loss(flat: F64) -> tuple[float, F64]:
        weights, bias = flat[:-n_classes].reshape(size, n_classes), flat[-n_classes:]
        value, slope = rows.loss(rows.vectors @ weights + bias)
        gradient = np.concatenate([(rows.vectors.T @ slope + weights / C).ravel(), slope.sum(axis=0)])
        return (value + (weights**2).sum() / (2 * C)) / total, gradient / total

    options = {"maxiter": _MAX_ITER, "gtol": tolerance, "ftol": 1e-12}
    flat = minimize(
        loss, np.append(first.weights.ravel(), first.bias), jac=True, method="L-BFGS-B", options=options
    ).x  # fmt: skip
    found = Logistic(flat[:-n_classes].reshape(size, n_classes), flat[-n_classes:])
    return _with_constant_labels(found, rows) if rows.multi_label else found


def _with_constant_labels(found: Logistic, rows: Rows) -> Logistic:
    inside, outside = (rows.costs * rows.indicator).sum(axis=0), (rows.costs * (1 - rows.indicator)).sum(axis=0)
    constant = (inside == 0) | (outside == 0)
    bias = np.where(constant, np.log(inside + 1) - np.log(outside + 1), found.bias)
    return replace(found, weights=np.where(constant, 0.0, found.weights), bias=bias)


def _choose(rows: Rows, seed: int) -> float:
    """Find the likeliest C by its prior and the log loss on held-out parts, going up from the smallest."""
    part = _parts(rows, seed)
    if part is None:
        return DEFAULT_C
    used = np.flatnonzero(part >= -1)
    folds = [(rows.take(used[part[used] != i]), rows.take(part == i)) for i in range(_FOLDS) if (part == i).any()]
    starts: list[Logistic | None] = [None] * len(folds)
    losses: list[float] = []
    for C in _GRID:
        for i, (train, _) in enumerate(folds):
            starts[i] = solve(train, C, starts[i], tolerance=_ROUGH)
        held_out = sum(_held_loss(model, held) for model, (_, held) in zip(starts, folds, strict=True))
        losses.append(held_out + (np.log(C / DEFAULT_C) / _SPREAD) ** 2 / 2)
        if len(losses) - 1 - int(np.argmin(losses)) >= _WORSE:
            break
    return _GRID[int(np.argmin(losses))]


def _held_loss(model: Logistic | None, held: Rows) -> float:
    assert model is not None  # noqa: S101  (solved before)
    return held.loss(model.scores(held.vectors))[0]


def _parts(rows: Rows, seed: int) -> I64 | None:
    """Deal the rows of each class out in turn; -1 is the only row of its class, which is always learned, -2 none."""
    order = np.random.default_rng(seed).permutation(len(rows.vectors))[:_ROWS]
    classes = rows.indicator.argmax(axis=1) + rows.indicator.any(axis=1)  # those without any label are one class more
    part = np.full(len(rows.vectors), -2)
    dealt = 0
    for each in _groups(order, classes):
        part[each] = (dealt + np.arange(len(each))) % _FOLDS if len(each) > 1 else -1
        dealt += len(each) if len(each) > 1 else 0
    return part if dealt >= _FOLDS else None


def _groups(order: I64, classes: NDArray[Any]) -> Iterator[I64]:
    for k in np.unique(classes[order]):
        yield order[classes[order] == k]
