"""Compiled dual coordinate descent for linear classifiers, all one-against-rest problems in one pass over the rows.

For each class k, with signs y in {-1, +1}, the primal problem is ``min 1/2 |w|^2 + sum_i C_i loss(y_i w.x_i)``. Its
dual has one variable a row; a step over row i solves for that variable alone and keeps ``w = sum_i y_i a_i x_i`` up
to date.

- squared hinge ``max(0, 1 - m)^2``: Hsieh, Chang, Lin, Keerthi, Sundararajan, "A Dual Coordinate Descent Method for
  Large-scale Linear SVM", ICML 2008, algorithm 1;
- logistic ``log(1 + exp(-m))``: Yu, Huang, Lin, "Dual coordinate descent methods for logistic regression and maximum
  entropy models", Machine Learning 85, 2011, algorithm 5.

Both papers, and LIBLINEAR, solve the classes one after another: each pass reads every row and jumps through the
weights once for each class. Here the weights of all classes of a feature lie side by side, so one jump (one cache
line) serves them all, and the inner loops over classes are vector instructions. The problems stay independent: the
answer is that of LIBLINEAR.
"""

from __future__ import annotations

import numpy as np

from fenlei._jit import compiled
from fenlei.features._types import F32, F64, I8, I32, I64, U8


@compiled(fastmath=True)
def _margins(weights: F32, columns: I32, values: F32, start: int, stop: int, out: F32) -> None:
    out[:] = 0
    for j in range(start, stop):
        row, value = weights[columns[j]], values[j]
        for k in range(len(out)):
            out[k] += value * row[k]


@compiled(fastmath=True)
def _add(weights: F32, columns: I32, values: F32, start: int, stop: int, steps: F32) -> None:
    for j in range(start, stop):
        row, value = weights[columns[j]], values[j]
        for k in range(len(steps)):
            row[k] += value * steps[k]


@compiled(fastmath=True)
def _add_scaled(weights: F32, scales: F32, columns: I32, values: F32, start: int, stop: int, steps: F32) -> None:
    for j in range(start, stop):
        row, scale, value = weights[columns[j]], scales[columns[j]], values[j]
        for k in range(len(steps)):
            row[k] += value * scale[k] * steps[k]


@compiled()
def _move(weights: F32, scales: F32, columns: I32, values: F32, start: int, stop: int, steps: F32) -> None:
    """Add one row times `steps` to the weights, each by its scale when there are any."""
    if len(scales):
        _add_scaled(weights, scales, columns, values, start, stop, steps)
    else:
        _add(weights, columns, values, start, stop, steps)


@compiled()
def square_norms(bounds: I64, columns: I32, values: F32, scales: F32, n_classes: int) -> F32:
    """Square of each row's norm a class, under `scales` when there are any; the bias feature counts 1."""
    norms = np.ones((len(bounds) - 1, n_classes), np.float32)
    for i in range(len(bounds) - 1):
        for j in range(bounds[i], bounds[i + 1]):
            square = values[j] * values[j]
            for k in range(n_classes):
                norms[i, k] += square * scales[columns[j], k] if len(scales) else square
    return norms


@compiled()
def squared_hinge(
    bounds: I64, columns: I32, values: F32, signs: I8, cost: F32, norms: F32, scales: F32,
    weights: F32, bias: F32, dual: F32, order: I64, active: U8, ignored: float,
) -> F64:  # fmt: skip
    """One pass over the rows in `order`, for the `active` classes; violations up to `ignored` are left as they are.

    Returns
    -------
    (n_classes,) the largest violation of the optimality conditions that was met
    """
    n_classes = signs.shape[1]
    margin, steps = np.empty(n_classes, np.float32), np.zeros(n_classes, np.float32)
    worst = np.zeros(n_classes)
    for i in order:
        start, stop = bounds[i], bounds[i + 1]
        _margins(weights, columns, values, start, stop, margin)
        moved = False
        for k in range(n_classes):
            if not active[k]:
                continue
            diagonal = np.float32(0.5) / cost[i, k]
            old = dual[i, k]
            gradient = signs[i, k] * (margin[k] + bias[k]) - np.float32(1) + diagonal * old
            if old == 0 and gradient > 0:
                gradient = np.float32(0)
            worst[k] = max(worst[k], abs(gradient))
            steps[k] = 0
            if abs(gradient) <= ignored:
                continue
            moved = True
            new = max(old - gradient / (norms[i, k] + diagonal), np.float32(0))
            dual[i, k] = new
            steps[k] = (new - old) * signs[i, k]
        if not moved:
            continue
        _move(weights, scales, columns, values, start, stop, steps)
        for k in range(n_classes):
            bias[k] += steps[k]
    return worst


@compiled()
def _logistic_root(u: float, start: float, curvature: float, margin: float) -> float:
    """Solve ``u + curvature (s(u) - s(start)) + margin = 0`` for u, s the logistic function, by Newton steps.

    The left side grows with u, so a step that leaves the bracket is replaced by its middle.
    """
    rest = margin - curvature / (1 + np.exp(-start))
    low, high = -rest - curvature, -rest
    for _ in range(20):
        share = 1 / (1 + np.exp(-u))
        value = u + curvature * share + rest
        if abs(value) < 1e-4:
            break
        if value > 0:
            high = u
        else:
            low = u
        u -= value / (1 + curvature * share * (1 - share))
        if not low < u < high:
            u = 0.5 * (low + high)
    return u


@compiled()
def logistic(
    bounds: I64, columns: I32, values: F32, signs: I8, cost: F32, norms: F32, scales: F32,
    weights: F32, bias: F32, dual: F32, order: I64, active: U8, ignored: float,
) -> F64:  # fmt: skip
    """One pass as `squared_hinge` makes it; returns the largest step for each class, in log-odds.

    `dual` holds the log-odds of each variable's share of its cost, which float32 can hold near both ends.
    """
    n_classes = signs.shape[1]
    margin, steps = np.empty(n_classes, np.float32), np.zeros(n_classes, np.float32)
    worst = np.zeros(n_classes)
    for i in order:
        start, stop = bounds[i], bounds[i + 1]
        _margins(weights, columns, values, start, stop, margin)
        moved = False
        for k in range(n_classes):
            if not active[k]:
                continue
            old = float(dual[i, k])
            signed = signs[i, k] * float(margin[k] + bias[k])
            new = _logistic_root(old, old, float(norms[i, k] * cost[i, k]), signed)
            new = min(max(new, -30.0), 30.0)
            share = 1 / (1 + np.exp(-new)) - 1 / (1 + np.exp(-old))
            violation = 4 * abs(share)  # in log-odds, at least
            worst[k] = max(worst[k], violation)
            steps[k] = 0
            if violation <= ignored:
                continue
            moved = True
            dual[i, k] = new
            steps[k] = cost[i, k] * share * signs[i, k]
        if not moved:
            continue
        _move(weights, scales, columns, values, start, stop, steps)
        for k in range(n_classes):
            bias[k] += steps[k]
    return worst


@compiled()
def scores(bounds: I64, columns: I32, values: F32, weights: F32, bias: F32) -> F32:
    """Score of each row for each class, ``w.x + b``; shape (n_rows, n_classes)."""
    out = np.empty((len(bounds) - 1, len(bias)), np.float32)
    for i in range(len(out)):
        _margins(weights, columns, values, bounds[i], bounds[i + 1], out[i])
        out[i] += bias
    return out


@compiled()
def sum_rows(bounds: I64, columns: I32, values: F32, shares: F32, scales: F32, weights: F32) -> None:
    """Add the rows, each times its `shares` (n_rows, n_classes), to the weights: ``w += scales * X' shares``."""
    for i in range(len(bounds) - 1):
        if not shares[i].any():
            continue
        _move(weights, scales, columns, values, bounds[i], bounds[i + 1], shares[i])


@compiled()
def class_counts(bounds: I64, columns: I32, marks: F32, n_columns: int) -> F32:
    """Sum the `marks` (n_rows, n_classes), mostly 0, of the rows with each column; shape (n_columns, n_classes)."""
    counts = np.zeros((n_columns, marks.shape[1]), np.float32)
    for i in range(len(bounds) - 1):
        for k in np.flatnonzero(marks[i]):
            for j in range(bounds[i], bounds[i + 1]):
                counts[columns[j], k] += marks[i, k]
    return counts


@compiled(fastmath=True)
def adagrad(
    bounds: I64, columns: I32, values: F32, signs: I8, costs: F32,
    weights: F32, bias: F32, squares: F32, bias_squares: F32, rate: float,
) -> None:  # fmt: skip
    """Take one step on each row's logistic loss, as `fenlei.models._online` tells."""
    n_problems = len(bias)
    slope = np.empty(n_problems, np.float32)
    for i in range(len(bounds) - 1):
        slope[:] = bias
        for j in range(bounds[i], bounds[i + 1]):
            for k in range(n_problems):
                slope[k] += values[j] * weights[columns[j], k]
        for k in range(n_problems):
            slope[k] = -costs[i, k] * signs[i, k] / (1 + np.exp(signs[i, k] * slope[k]))
            bias_squares[k] += slope[k] ** 2
            bias[k] -= rate * slope[k] / np.sqrt(bias_squares[k] + np.float32(1e-8))
        for j in range(bounds[i], bounds[i + 1]):
            weight, square = weights[columns[j]], squares[columns[j]]
            for k in range(n_problems):
                gradient = slope[k] * values[j]
                square[k] += gradient * gradient
                weight[k] -= rate * gradient / np.sqrt(square[k] + np.float32(1e-8))
