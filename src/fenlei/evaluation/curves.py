"""ROC and precision-recall curves of each class against the rest, and their averages.

*ROC*: share of the right texts found (true positive rate) against the share of the others caught by mistake
(false positive rate), as the score asked for falls. *Precision-recall*: of the texts found, the share that is
right, against the share found. The area under the first is 0.5 for guessing whatever the balance of classes;
the average precision of the second is the share of the class for guessing, and so tells more about rare
classes.

With P_i and R_i precision and recall at the i-th distinct score, average precision is
``sum_i (R_i - R_(i-1)) P_i``, and ROC AUC the trapezoid sum. scikit-learn's functions would sort each class
three times for this, and cost a second to import; the tests hold these against them.

Sources: T. Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27, 2006, p. 861-874
(vertical averaging: section 8); J. Davis and M. Goadrich, "The relationship between Precision-Recall and ROC
curves", ICML 2006 (why no straight lines between points of a precision-recall curve).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fenlei.evaluation._answers import Answers, BoolArray, FloatArray

MAX_POINTS = 200
_GRID = np.linspace(0.0, 1.0, 101)


class Curve(NamedTuple):
    """Points of a curve, thinned, and its area, of all points."""

    x: FloatArray
    y: FloatArray
    area: float


@dataclass(frozen=True)
class CurveSet:
    """Curves of one kind.

    Attributes
    ----------
    by_class : dict of str to Curve
        Only classes that some test texts have and others have not; elsewhere there is no curve.
    micro : Curve or None
        All decisions pooled. None where no class has a curve, or all decisions are alike.
    macro : Curve or None
        Mean of the classes' curves at each x; its area is the mean of their areas.
    """

    by_class: dict[str, Curve]
    micro: Curve | None
    macro: Curve | None

    def area(self, label: str) -> float | None:
        """Area of the curve of `label`, None where there is none."""
        return self.by_class[label].area if label in self.by_class else None


class Steps(NamedTuple):
    """Right texts and others among those scored at least as high as each distinct score, highest first."""

    true_positive: FloatArray
    false_positive: FloatArray


def make_curves(answers: Answers) -> tuple[CurveSet, CurveSet]:
    """Draw the ROC and the precision-recall curves, from one sort of each class's scores."""
    truth, scores = answers.known_truth, answers.scores
    drawable = [column for column in range(answers.n_known) if _both_kinds(truth[:, column])]
    steps = {answers.classes[column]: _steps(truth[:, column], scores[:, column]) for column in drawable}
    pooled = _steps(truth.ravel(), scores.ravel()) if _both_kinds(truth) else None
    return (
        _curve_set(steps, pooled, _roc, lambda curve: np.interp(_GRID, curve.x, curve.y)),
        _curve_set(steps, pooled, _precision_recall, _precision_at_grid),
    )


def _both_kinds(truth: BoolArray) -> bool:
    return bool(truth.any() and not truth.all())


def _steps(truth: BoolArray, scores: FloatArray) -> Steps:
    order = np.argsort(-scores, kind="stable")
    last_of_ties = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    true_positive = np.cumsum(truth[order])[last_of_ties].astype(float)
    return Steps(true_positive, last_of_ties + 1 - true_positive)


def _curve_set(
    steps: dict[str, Steps],
    pooled: Steps | None,
    make: Callable[[Steps], Curve],
    at_grid: Callable[[Curve], FloatArray],
) -> CurveSet:
    whole = {label: make(found) for label, found in steps.items()}
    return CurveSet(
        by_class={label: _thin(curve) for label, curve in whole.items()},
        micro=None if pooled is None else _thin(make(pooled)),
        macro=_mean_curve(list(whole.values()), at_grid),
    )


def _roc(steps: Steps) -> Curve:
    x, y = (np.concatenate([[0.0], part / part[-1]]) for part in (steps.false_positive, steps.true_positive))
    return Curve(x, y, float((np.diff(x) * (y[1:] + y[:-1])).sum() / 2))


def _precision_recall(steps: Steps) -> Curve:
    precision = steps.true_positive / (steps.true_positive + steps.false_positive)
    recall = np.concatenate([[0.0], steps.true_positive / steps.true_positive[-1]])
    return Curve(recall, np.concatenate([precision[:1], precision]), float((np.diff(recall) * precision).sum()))


def _precision_at_grid(curve: Curve) -> FloatArray:
    """Precision of the first point that reaches each recall, without a line drawn between points."""
    return np.asarray(curve.y[np.searchsorted(curve.x, _GRID, side="left").clip(max=len(curve.x) - 1)])


def _mean_curve(curves: list[Curve], at_grid: Callable[[Curve], FloatArray]) -> Curve | None:
    if not curves:
        return None
    area = float(np.mean([curve.area for curve in curves]))
    return Curve(_GRID, np.mean([at_grid(curve) for curve in curves], axis=0), area)


def _thin(curve: Curve) -> Curve:
    """Keep at most `MAX_POINTS` points, spread evenly along the curve, both ends included."""
    if len(curve.x) <= MAX_POINTS:
        return curve
    steps = np.abs(np.diff(curve.x)) + np.abs(np.diff(curve.y))
    along = np.concatenate([[0.0], steps.cumsum()])
    wanted = np.linspace(0.0, along[-1], MAX_POINTS)
    kept = np.unique(np.searchsorted(along, wanted).clip(max=len(along) - 1))
    return Curve(curve.x[kept], curve.y[kept], curve.area)
