"""Learning from parts: logistic regression by AdaGrad, for texts that do not fit in memory.

Each row takes one step on its logistic loss, in every problem at once, with a step size of its own for each weight:
``w -= 0.5 g / sqrt(sum of g^2 so far)``. Rare n-grams take large steps whenever they come. Duchi, Hazan, Singer,
"Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", JMLR 12, 2011, algorithm 1 without
regularisation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fenlei.features._types import F32, F64, I8
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
    from fenlei.models import _dual

    model = state.model
    _dual.adagrad(
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
