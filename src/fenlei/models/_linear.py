"""The linear model under the linear families: how it is trained, calibrated and applied."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fenlei._threads import in_threads, n_threads
from fenlei.features._types import F32, F64, I8, I64
from fenlei.features.ngrams import Rows
from fenlei.targets import Targets, class_weights

_SLOPE = 3.0  # of the logistic curve over a support vector machine's score, where too few texts are held out to fit it
_SLOPES = (0.1, 30.0)  # no fitted slope may be beyond
_HELD_OUT = 0.1
_ROUGH = 5.0  # times the tolerance is near enough for the solution that is thrown away
_IGNORED = 0.05  # share of the tolerance below which a row is passed by: saves the writes of rows that have settled
_FEWEST_HELD_OUT = 50


@dataclass(frozen=True)
class LinearModel:
    """Weights and the way from scores to probabilities.

    Attributes
    ----------
    weights : array of shape (n_features, n_problems)
        One problem a class; one in all for two classes, the score speaking for the second.
    bias : array of shape (n_problems,)
    link : {"sigmoid", "softmax"}
        From a score s to a probability: ``1 / (1 + exp(-(slope s + shift)))``, divided by the row's sum where labels
        exclude each other; or the softmax of the scores.
    slope, shift : float
        Fitted on held-out scores (Platt, "Probabilistic outputs for support vector machines", 1999), the same for all
        classes so that the best score stays the best.
    """

    weights: F32
    bias: F32
    link: str = "sigmoid"
    slope: float = 1.0
    shift: float = 0.0

    def scores(self, rows: Rows) -> F32:
        """Score of each row for each problem; shape (n_rows, n_problems)."""
        from fenlei.models import _dual

        return _dual.scores(*rows, self.weights, self.bias)

    def probabilities(self, rows: Rows, *, exclusive: bool) -> F64:
        """Probability of each class; `exclusive` rows sum to 1."""
        return self.link_scores(self.scores(rows), exclusive=exclusive)

    def link_scores(self, scores: NDArray[Any], *, exclusive: bool) -> F64:
        """Turn scores into probabilities; shape (n_rows, n_classes)."""
        scores = scores.astype(np.float64)
        if self.link == "softmax":
            odds = np.exp(scores - scores.max(axis=1, keepdims=True))
            return odds / odds.sum(axis=1, keepdims=True)
        odds = self.slope * scores + self.shift
        if not exclusive or odds.shape[1] == 1:
            chances = _logistic(odds)
            return np.hstack([1 - chances, chances]) if exclusive else chances
        # The shares of logistic values, by their logarithms: all of them may be too small for a number.
        logs = -np.logaddexp(0, -odds)
        chances = np.exp(logs - logs.max(axis=1, keepdims=True))
        return chances / chances.sum(axis=1, keepdims=True)


def signs_of(indicator: NDArray[np.bool_], *, exclusive: bool) -> I8:
    """+1 and -1 for each row and problem; two exclusive classes are one problem."""
    wanted = indicator[:, 1:] if exclusive and indicator.shape[1] == 2 else indicator
    return np.where(wanted, 1, -1).astype(np.int8)


def row_costs(targets: Targets, classes: NDArray[Any], weights: NDArray[np.float64], class_weight: Any) -> F64:
    """Tell what each row counts in each class's problem, by its weight and its label's; shape (n_rows, n_classes)."""
    counts = (targets.indicator * weights[:, None]).sum(axis=0)
    by_class = class_weights(class_weight, classes, counts)
    if targets.multi_label:
        return weights[:, None] * np.where(targets.indicator, by_class, 1.0)
    row = weights * by_class[targets.indices]
    return np.repeat(row[:, None], len(classes), axis=1)


def naive_bayes(rows: Rows, n_columns: int, targets: Targets, costs: F64, smoothing: float) -> LinearModel:
    """Multinomial naive Bayes as a linear model: log shares of the columns in each class, and of the classes.

    Manning, Raghavan, Schuetze, "Introduction to Information Retrieval", 2008, section 13.2. For multi-label targets
    each label is set against its absence.
    """
    features = rows.csr(n_columns)
    inside = targets.indicator * costs
    totals = np.maximum(inside.sum(axis=0), 1e-12)
    weights = _log_shares(np.asarray(features.T @ inside, np.float32), smoothing)
    if not targets.multi_label:
        return LinearModel(weights, np.log(totals / totals.sum()).astype(np.float32), link="softmax")
    outside = ~targets.indicator * costs
    against = _log_shares(np.asarray(features.T @ outside, np.float32), smoothing)
    odds = totals / np.maximum(outside.sum(axis=0), 1e-12)
    return LinearModel(weights - against, np.log(odds).astype(np.float32))


def log_count_ratios(rows: Rows, n_columns: int, signs: I8, weights: F64, smoothing: float) -> F32:
    """How much more an n-gram is of a class than of the rest; shape (n_columns, n_problems).

    ``r = ln((p / |p|) / (q / |q|))``, p and q the smoothed numbers of texts with the n-gram inside and outside the
    class: Wang and Manning, "Baselines and Bigrams", ACL 2012, equation 2.
    """
    from fenlei.models import _dual

    totals = weights[:, :1] if (weights == weights[:, :1]).all() else weights
    sums = partial(_dual.class_counts, rows.bounds, rows.columns, n_columns=n_columns)
    inside = sums(marks=((signs > 0) * weights).astype(np.float32))
    outside = sums(marks=totals.astype(np.float32)) - inside
    return _log_shares(inside, smoothing) - _log_shares(outside, smoothing)


def _log_shares(counts: F32, smoothing: float) -> F32:
    smoothed = counts + np.float32(smoothing)
    return np.log(smoothed / smoothed.sum(axis=0, dtype=np.float64)).astype(np.float32)


@dataclass(frozen=True)
class Training:
    """A dual problem to be solved: what stays the same from pass to pass.

    Attributes
    ----------
    rows, n_columns
        The features.
    signs : array of int8, shape (n_rows, n_problems)
    costs : array of float64, shape (n_rows, n_problems)
        What each row counts in each problem; 0 leaves it out.
    C : float
        Factor on the costs of the loss.
    loss : {"squared_hinge", "logistic"}
    prior : callable or None
        From costs, of which some may be 0, to the prior variance of each weight, shape (n_columns, n_problems). A
        wide prior lets an n-gram speak up sooner. None means 1 for all.
    tolerance, max_iter, seed
        When to stop, and the order of the rows.
    """

    rows: Rows
    n_columns: int
    signs: I8
    costs: F64
    C: float
    loss: str
    prior: Callable[[F64], F32] | None
    tolerance: float
    max_iter: int
    seed: int


def train(problem: Training, *, calibrate: bool, exclusive: bool) -> LinearModel:
    """Solve for the weights, and with `calibrate` for the way from scores to probabilities.

    Calibration solves for nine tenths of the rows first and takes the scores of the last tenth, of which no copy is
    among the nine: a remembered score would be too good. The second solution starts from the first, so that it takes a
    few passes only. The prior looks at labels, so it is taken anew each time from the rows in use, for the same reason.
    """
    solver = _Solver(problem)
    used = np.flatnonzero(problem.costs.max(axis=1) > 0)
    slope, shift = (_SLOPE, 0.0) if problem.loss == "squared_hinge" else (1.0, 0.0)
    held_out = _hold_out(problem, used) if calibrate else used[:0]
    if len(held_out):
        solver.run(np.setdiff1d(used, held_out), _ROUGH * problem.tolerance)
        scores = solver.model().scores(take(problem.rows, held_out))
        slope, shift = _fit_link(scores, problem.signs[held_out], exclusive=exclusive, start=slope)
    solver.run(used, problem.tolerance)
    return replace(solver.model(), slope=slope, shift=shift)


def _hold_out(problem: Training, used: I64) -> I64:
    """Choose up to a tenth of the rows `used`, each with all its copies; none when too few differ to fit a curve to.

    Copies have the same features, whether or not the texts differed before they were cleaned. A row with more copies
    than there is room left for is passed over.
    """
    from fenlei.features._ngrams import row_keys

    _, firsts, places = np.unique(row_keys(*problem.rows)[used], return_index=True, return_inverse=True)
    copied = firsts[places]  # for each row the first that equals it
    sizes = np.bincount(copied)
    room = int(_HELD_OUT * len(used))
    chosen = []
    for first in np.random.default_rng(problem.seed).permutation(np.sort(firsts)).tolist():
        if sizes[first] <= room:
            chosen.append(first)
            room -= sizes[first]
    return used[np.isin(copied, chosen)] if len(chosen) >= _FEWEST_HELD_OUT else used[:0]


class _Solver:
    """The problems on their way, in groups that are solved side by side, each on a core."""

    def __init__(self, problem: Training) -> None:
        n_rows, n_problems = problem.signs.shape
        self.problem = problem
        self.stop = threading.Event()
        groups = np.array_split(np.arange(n_problems), min(n_threads(), n_problems))
        start = 0.0 if problem.loss == "squared_hinge" else -30.0
        self.groups = [_Group(problem, group, np.full((n_rows, len(group)), start, np.float32)) for group in groups]

    def run(self, used: I64, tolerance: float) -> None:
        """Pass over the rows `used` until every problem is solved."""
        costs = np.zeros_like(self.problem.costs)
        costs[used] = self.problem.costs[used]
        variances = None if self.problem.prior is None else self.problem.prior(costs)
        in_threads(lambda group: group.run(used, variances, tolerance, self.stop), self.groups, stop=self.stop)

    def model(self) -> LinearModel:
        """Return the weights as they are now."""
        return LinearModel(np.hstack([g.weights for g in self.groups]), np.concatenate([g.bias for g in self.groups]))


class _Group:
    """Some of the problems; their dual variables outlive a change of the rows in use."""

    def __init__(self, problem: Training, members: I64, dual: F32) -> None:
        self.problem, self.members, self.dual = problem, members, dual
        self.signs = np.ascontiguousarray(problem.signs[:, members])
        self.cost = (problem.C * problem.costs[:, members]).astype(np.float32)

    def run(self, used: I64, variances: F32 | None, tolerance: float, stop: threading.Event) -> None:
        from fenlei.models import _dual

        problem = self.problem
        kernel = _dual.squared_hinge if problem.loss == "squared_hinge" else _dual.logistic
        scales = np.zeros((0, 0), np.float32) if variances is None else np.ascontiguousarray(variances[:, self.members])
        norms = _dual.square_norms(*problem.rows, scales, len(self.members))
        self._start(scales)
        order = np.random.default_rng(problem.seed)
        active = np.ones(len(self.members), np.uint8)
        for _ in range(problem.max_iter):
            worst = kernel(
                *problem.rows, self.signs, self.cost, norms, scales,
                self.weights, self.bias, self.dual, order.permutation(used), active, _IGNORED * tolerance,
            )  # fmt: skip
            active[worst < tolerance] = 0
            if not active.any() or stop.is_set():
                return

    def _start(self, scales: F32) -> None:
        """Weights that belong to the dual variables as they are."""
        from fenlei.models import _dual

        hinge = self.problem.loss == "squared_hinge"
        dual = self.dual if hinge else self.cost * _logistic(self.dual.astype(np.float64))
        shares = (self.signs * dual).astype(np.float32)
        self.weights = np.zeros((self.problem.n_columns, len(self.members)), np.float32)
        self.bias = shares.sum(axis=0)
        _dual.sum_rows(*self.problem.rows, shares, scales, self.weights)


def take(rows: Rows, chosen: I64) -> Rows:
    """Take the rows at `chosen`, in that order."""
    lengths = rows.bounds[chosen + 1] - rows.bounds[chosen]
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    places = np.repeat(rows.bounds[chosen] - bounds[:-1], lengths) + np.arange(bounds[-1])
    return Rows(bounds, rows.columns[places], rows.values[places])


def _fit_link(scores: F32, signs: I8, *, exclusive: bool, start: float) -> tuple[float, float]:
    """Slope and shift of least log loss; for two classes no shift, so that the sign of the score decides.

    The wanted probabilities are 1 - 1 / (n + 2) and a share of the rest, after Platt, so that a perfect separation
    does not make the slope endless.
    """
    from scipy.optimize import minimize

    right = signs > 0
    single = scores.shape[1] == 1
    truth = np.hstack([~right, right]) if exclusive and single else right
    doubt = 1 / (len(scores) + 2)
    wanted = (1 - doubt) * truth + doubt / (truth.shape[1] if exclusive else 2)
    blank = LinearModel(np.zeros((0, 1), np.float32), np.zeros(1, np.float32))

    def loss(link: NDArray[np.float64]) -> float:
        model = replace(blank, slope=float(np.exp(link[0])), shift=0.0 if single else float(link[1]))
        chances = np.clip(model.link_scores(scores, exclusive=exclusive), 1e-12, 1 - 1e-12)
        rest = 0.0 if exclusive else (1 - wanted) * np.log1p(-chances)
        return float(-(wanted * np.log(chances) + rest).sum() / len(scores))

    first = np.array([np.log(start), 0.0][: 1 if single else 2])
    found = minimize(loss, first, method="Nelder-Mead", options={"xatol": 1e-3})
    slope = float(np.exp(np.clip(found.x[0], *np.log(_SLOPES))))
    return slope, 0.0 if single else float(np.clip(found.x[1], -_SLOPES[1], _SLOPES[1]))


def _logistic(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 * (1 + np.tanh(0.5 * z))
