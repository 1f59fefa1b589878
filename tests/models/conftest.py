"""Small random sparse problems, as rows and as the dense matrix they stand for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from fenlei.features.ngrams import Rows
from fenlei.models._linear import Training
from fenlei.targets import Targets


class Problem(NamedTuple):
    """Features twice, and the class of each row."""

    rows: Rows
    X: NDArray[np.float64]
    y: NDArray[np.int64]

    @property
    def targets(self) -> Targets:
        """Single-label targets."""
        return Targets(self.y[:, None] == np.arange(self.y.max() + 1), multi_label=False)

    def training(self, signs: NDArray[np.int8], **changes: object) -> Training:
        """Exact enough to be compared: flat prior, all costs 1, a small tolerance, unless changed."""
        settings = {
            "rows": self.rows, "n_columns": self.X.shape[1], "signs": signs, "costs": np.ones(signs.shape), "C": 1.0,
            "loss": "squared_hinge", "prior": None, "tolerance": 1e-5, "max_iter": 5000, "seed": 0,
        }  # fmt: skip
        return Training(**{**settings, **changes})  # type: ignore[arg-type]


def make_problem(n_classes: int, n_rows: int = 60, n_columns: int = 12, seed: int = 0) -> Problem:
    random = np.random.default_rng(seed)
    y = np.arange(n_rows) % n_classes
    X = (random.random((n_rows, n_columns)) < 0.35) * random.integers(1, 4, (n_rows, n_columns)) * 0.5
    X[:, :n_classes] += (random.random((n_rows, n_classes)) < 0.7) * (y[:, None] == np.arange(n_classes))
    X[n_rows // 2] = 0  # an empty text
    X = X.astype(np.float32)
    bounds = np.concatenate([[0], np.cumsum((X != 0).sum(axis=1))]).astype(np.int64)
    rows = Rows(bounds, np.nonzero(X)[1].astype(np.int32), X[X != 0])
    return Problem(rows, X.astype(np.float64), y)


@pytest.fixture(params=[2, 3], ids=["two classes", "three classes"])
def problem(request: pytest.FixtureRequest) -> Problem:
    return make_problem(request.param)


@pytest.fixture
def many_rows() -> Problem:
    """Enough rows to hold some out; a fifth of the labels is wrong."""
    problem = make_problem(3, n_rows=1200, seed=1)
    wrong = np.random.default_rng(2).random(1200) < 0.2
    return problem._replace(y=np.where(wrong, (problem.y + 1) % 3, problem.y))
