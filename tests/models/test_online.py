from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fenlei.models import _online


def adagrad(X: Any, signs: Any, costs: Any) -> tuple[Any, Any]:
    """The method in plain numpy: one step a row, and for each weight a step size of its own."""
    rows = np.hstack([X, np.ones((len(X), 1))])
    weights = np.zeros((rows.shape[1], signs.shape[1]))
    squares = np.full_like(weights, 1e-8)
    for row, sign, cost in zip(rows, signs, costs, strict=True):
        slope = -cost * sign / (1 + np.exp(sign * (row @ weights)))
        gradient = row[:, None] * slope
        squares += gradient**2
        weights -= 0.5 * gradient / np.sqrt(squares)
    return weights[:-1], weights[-1]


@pytest.mark.parametrize("n_problems", [1, 3])
def test_equals_the_slow_way(problem: Any, n_problems: int) -> None:
    random = np.random.default_rng(8)
    signs = random.choice(np.array([-1, 1], np.int8), (len(problem.y), n_problems))
    costs = random.choice([0.0, 0.5, 1.0, 3.0], (len(problem.y), n_problems))
    state = _online.start(problem.X.shape[1], n_problems)
    model = _online.learn(state, problem.rows, signs, costs).model
    weights, bias = adagrad(problem.X, signs, costs)
    np.testing.assert_allclose(model.weights, weights, atol=1e-4)
    np.testing.assert_allclose(model.bias, bias, atol=1e-4)


def test_parts_one_after_another_are_the_whole(problem: Any) -> None:
    from fenlei.models._linear import take

    signs = np.where(problem.y[:, None] == 0, 1, -1).astype(np.int8)
    costs = np.ones(signs.shape)
    whole = _online.learn(_online.start(problem.X.shape[1], 1), problem.rows, signs, costs)
    parts = _online.start(problem.X.shape[1], 1)
    for part in np.array_split(np.arange(len(signs)), 4):
        parts = _online.learn(parts, take(problem.rows, part), signs[part], costs[part])
    np.testing.assert_array_equal(parts.model.weights, whole.model.weights)
    np.testing.assert_array_equal(parts.model.bias, whole.model.bias)
