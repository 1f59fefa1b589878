from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from fenlei.models import _dual

FLAT = np.zeros((0, 0), np.float32)


@pytest.fixture
def weights(problem: Any) -> Any:
    return np.random.default_rng(3).normal(size=(problem.X.shape[1], 3)).astype(np.float32)


def test_scores_are_the_product_with_the_weights(problem: Any, weights: Any) -> None:
    bias = np.array([0.5, -1, 0], np.float32)
    np.testing.assert_allclose(_dual.scores(*problem.rows, weights, bias), problem.X @ weights + bias, atol=1e-5)


@pytest.mark.parametrize("scaled", [False, True])
def test_square_norms_count_the_bias_and_the_scales(problem: Any, weights: Any, scaled: bool) -> None:
    scales = weights**2 if scaled else FLAT
    expected = 1 + problem.X**2 @ (weights**2 if scaled else np.ones_like(weights))
    np.testing.assert_allclose(_dual.square_norms(*problem.rows, scales, 3), expected, rtol=1e-5)


@pytest.mark.parametrize("scaled", [False, True])
def test_sum_rows_adds_every_row_by_its_share(problem: Any, weights: Any, scaled: bool) -> None:
    shares = np.random.default_rng(4).normal(size=(len(problem.y), 3)).astype(np.float32)
    shares[::2] = 0
    sums = np.ones_like(weights)
    _dual.sum_rows(*problem.rows, shares, weights**2 if scaled else FLAT, sums)
    np.testing.assert_allclose(sums, 1 + problem.X.T @ shares * (weights**2 if scaled else 1), atol=1e-4)


def test_a_solved_problem_is_left_as_it_is(problem: Any) -> None:
    from fenlei.models._linear import _Group, signs_of

    signs = signs_of(problem.targets.indicator, exclusive=True)
    group = _Group(problem.training(signs), np.arange(signs.shape[1]), np.zeros(signs.shape, np.float32))
    rows = np.arange(len(problem.y))
    group.run(rows, None, 1e-5, threading.Event())
    before = group.weights.copy(), group.dual.copy()
    group.run(rows, None, 1e-4, threading.Event())
    np.testing.assert_allclose(group.weights, before[0], atol=1e-4)
    np.testing.assert_allclose(group.dual, before[1], atol=1e-4)
    assert (group.dual >= 0).all()
