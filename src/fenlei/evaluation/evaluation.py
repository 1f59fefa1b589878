"""The measurements of one model on one data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fenlei.evaluation._confidence import Histogram, Reliability
from fenlei.evaluation._errors import WrongAnswer
from fenlei.evaluation._text import printable
from fenlei.evaluation.curves import CurveSet


class Note(NamedTuple):
    """Something the reader of the figures should know, in English and in Chinese."""

    en: str
    zh: str


@dataclass(frozen=True)
class ClassScores:
    """Figures of one class; None where the test data cannot tell.

    Recall and the areas need texts of the class, precision needs answers of the class, F1 needs either; the
    interval of F1 is over the resamples that hold either.
    """

    support: int
    given: int
    precision: float | None
    recall: float | None
    f1: float | None
    f1_interval: tuple[float, float] | None
    roc_auc: float | None
    average_precision: float | None


@dataclass(frozen=True, repr=False)
class Evaluation:
    """All measurements of one model on one data set.

    Attributes
    ----------
    n, n_wrong : int
        Texts, and how many were not answered wholly right.
    multi_label : bool
    classes : tuple of str
        The model's classes, then those that only the test data have.
    metrics : dict of str to float or None
        ``accuracy`` (multi-label: exactly the right set of labels), ``baseline_accuracy`` (always the
        commonest answer), ``precision``, ``recall`` and ``f1``, each ``_micro``, ``_macro`` and
        ``_weighted``, ``roc_auc`` and ``average_precision``, each ``_micro`` and ``_macro``, ``log_loss``,
        ``brier_loss``, ``calibration_error``, and for multi-label ``hamming_loss``.
    intervals : dict of str to (float, float)
        95 % bootstrap intervals of accuracy and F1.
    per_class : dict of str to ClassScores
    confusion : int array
        Single-label: (n_classes, n_classes), row = true, column = given. Multi-label: (n_classes, 2, 2) with
        ``[[TN, FP], [FN, TP]]`` of each class.
    roc, precision_recall : CurveSet
    histogram : Histogram
    reliability : Reliability
    errors : tuple of WrongAnswer
        The most confident wrong answers.
    notes : tuple of Note
    """

    n: int
    n_wrong: int
    multi_label: bool
    classes: tuple[str, ...]
    metrics: dict[str, float | None]
    intervals: dict[str, tuple[float, float]]
    per_class: dict[str, ClassScores]
    confusion: NDArray[np.int64]
    roc: CurveSet
    precision_recall: CurveSet
    histogram: Histogram
    reliability: Reliability
    errors: tuple[WrongAnswer, ...]
    notes: tuple[Note, ...]

    def __repr__(self) -> str:
        """Show the headline; the errors hold texts, which do not belong in logs."""
        return f"Evaluation(n={self.n}, accuracy={self.metrics['accuracy']}, f1_macro={self.metrics['f1_macro']})"

    @property
    def warnings(self) -> tuple[str, ...]:
        """The notes in English."""
        return tuple(note.en for note in self.notes)

    def to_dict(self, *, errors: bool = False) -> dict[str, Any]:
        """Plain values for JSON, without curves; with the texts of the worst errors only if `errors`."""
        plain: dict[str, Any] = {
            "n": self.n,
            "n_wrong": self.n_wrong,
            "multi_label": self.multi_label,
            **self.metrics,
            "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
            "classes": [printable(label) for label in self.classes],
            "per_class": {printable(label): _plain(scores) for label, scores in self.per_class.items()},
            "confusion": self.confusion.tolist(),
            "warnings": [printable(warning) for warning in self.warnings],
        }
        return plain | {"errors": [error.to_dict() for error in self.errors]} if errors else plain


def _plain(scores: ClassScores) -> dict[str, Any]:
    bounds = scores.f1_interval
    return vars(scores) | {"f1_interval": None if bounds is None else list(bounds)}
