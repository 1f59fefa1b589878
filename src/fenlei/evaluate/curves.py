"""ROC and precision-recall curves of each class against the rest, and their averages.

*ROC*: share of the right texts found (true positive rate) against the share of the others caught by mistake
(false positive rate), as the score asked for falls. *Precision-recall*: of the texts found, the share that is
right, against the share found. The area under the first is 0.5 for guessing whatever the balance of classes;
the average precision of the second is the share of the class for guessing, and so tells more about rare
classes.

Sources: T. Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27, 2006, p. 861-874
(vertical averaging: section 8); J. Davis and M. Goadrich, "The relationship between Precision-Recall and ROC
curves", ICML 2006 (why no straight lines between points of a precision-recall curve).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fenlei.evaluate._answers import Answers, BoolArray, FloatArray

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


def roc_curves(answers: Answers) -> CurveSet:
    """ROC curves; the areas are ROC AUC."""
    return _curve_set(answers, _roc, lambda curve: np.interp(_GRID, curve.x, curve.y))


def precision_recall_curves(answers: Answers) -> CurveSet:
    """Precision-recall curves; the areas are average precision."""
    return _curve_set(answers, _precision_recall, _precision_at_grid)


def _curve_set(
    answers: Answers, make: Callable[[BoolArray, FloatArray], Curve], at_grid: Callable[[Curve], FloatArray]
) -> CurveSet:
    truth, scores = answers.known_truth, answers.scores
    drawable = [column for column in range(answers.n_known) if _both_kinds(truth[:, column])]
    whole = {answers.classes[column]: make(truth[:, column], scores[:, column]) for column in drawable}
    micro = make(truth.ravel(), scores.ravel()) if _both_kinds(truth) else None
    return CurveSet(
        by_class={label: _thin(curve) for label, curve in whole.items()},
        micro=None if micro is None else _thin(micro),
        macro=_mean_curve(list(whole.values()), at_grid),
    )


def _both_kinds(truth: BoolArray) -> bool:
    return bool(truth.any() and not truth.all())


def _roc(truth: BoolArray, scores: FloatArray) -> Curve:
    from sklearn.metrics import auc, roc_curve

    x, y, _ = roc_curve(truth, scores)
    return Curve(x, y, float(auc(x, y)))


def _precision_recall(truth: BoolArray, scores: FloatArray) -> Curve:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    y, x, _ = precision_recall_curve(truth, scores)
    return Curve(x[::-1], y[::-1], float(average_precision_score(truth, scores)))


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
