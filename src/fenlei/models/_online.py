"""Learning from parts: logistic regression by AdaGrad, for texts that do not fit in memory.

Each row takes one step on its logistic loss, in every problem at once, with a step size of its own for each weight:
``w -= 0.5 g / sqrt(sum of g^2 so far)``. Rare n-grams take large steps whenever they come. Duchi, Hazan, Singer, "Adaptive
Subgradient Methods for Online Learning and Stochastic Optimization", JMLR 12, 2011, algorithm 1 without regularisation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from fenlei.features._types import F32, F64, I8, I32, I64
from fenlei.features.ngrams import Rows
from fenlei.models._linear import LinearModel

_RATE = 0.5


class Online(NamedTuple):
    """A model on its way, and the sum of squared gradients of its weights and bias."""

    model: LinearModel
    squares: F32
    bias_squares: F32


def start(n_columns: int, n_problems: int) -> Online:
    """Begin with weights of zero."""
    weights, bias = np.zeros((n_columns, n_problems), np.float32), np.zeros(n_problems, np.float32)
    return Online(LinearModel(weights, bias), np.zeros_like(weights), np.zeros_like(bias))


def learn(state: Online, rows: Rows, signs: I8, costs: F64) -> Online:
    """Take one step a row, in order; the arrays of `state` are changed in place."""
    model = state.model
    _pass(
        *rows,
        signs,
        costs.astype(np.float32),
        model.weights,
        model.bias,
        state.squares,
        state.bias_squares,
        _RATE,
    )
    return state


@njit(cache=True, nogil=True, fastmath=True)
def _pass(
    bounds: I64, columns: I32, values: F32, signs: I8, costs: F32,
    weights: F32, bias: F32, squares: F32, bias_squares: F32, rate: float,
) -> None:  # fmt: skip
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
