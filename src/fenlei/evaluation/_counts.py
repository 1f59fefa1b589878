"""Precision, recall and F1 from counts of right and wrong decisions.

With TP, FP and FN the decisions of one class that are right, false alarms and misses::

    precision = TP / (TP + FP)    recall = TP / (TP + FN)    F1 = 2 TP / (2 TP + FP + FN)

Three averages over classes: *micro* adds up the counts first, *macro* is the plain mean, *weighted* the mean
weighted by the number of texts of each class. As in scikit-learn, the macro average is over the classes that
are in the test data or were answered, and 0/0 counts as 0 in it. All functions take leading axes, so that a
thousand resamples are measured in one call.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fenlei.evaluation._answers import BoolArray, FloatArray


class Counts(NamedTuple):
    """Right decisions, false alarms and misses, each of shape (..., n_classes)."""

    true_positive: FloatArray
    false_positive: FloatArray
    false_negative: FloatArray

    @property
    def support(self) -> FloatArray:
        """How many texts have the label."""
        return self.true_positive + self.false_negative

    @property
    def given(self) -> FloatArray:
        """How many texts were given the label."""
        return self.true_positive + self.false_positive

    @property
    def occurs(self) -> BoolArray:
        """Which classes are in the data or among the answers."""
        return (self.support + self.given) > 0

    def total(self) -> Counts:
        """All classes added up, as one class."""
        return Counts(*(part.sum(axis=-1, keepdims=True) for part in self))


def count(truth: BoolArray, given: BoolArray) -> Counts:
    """Count the decisions of each class over all texts."""
    pairs = ((truth, given), (~truth, given), (truth, ~given))
    return Counts(*((a & b).sum(axis=0).astype(float) for a, b in pairs))


def precision(counts: Counts) -> FloatArray:
    """Share of the given labels that are right."""
    return ratio(counts.true_positive, counts.given)


def recall(counts: Counts) -> FloatArray:
    """Share of the true labels that were given."""
    return ratio(counts.true_positive, counts.support)


def f1(counts: Counts) -> FloatArray:
    """Harmonic mean of precision and recall."""
    return ratio(2 * counts.true_positive, counts.given + counts.support)


def macro(values: FloatArray, counts: Counts) -> FloatArray:
    """Mean over the classes that occur."""
    return ratio((values * counts.occurs).sum(axis=-1), counts.occurs.sum(axis=-1).astype(float))


def weighted(values: FloatArray, counts: Counts) -> FloatArray:
    """Mean weighted by the number of texts of each class."""
    return ratio((values * counts.support).sum(axis=-1), counts.support.sum(axis=-1))


def ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide, with 0/0 = 0."""
    return np.asarray(part / np.where(whole == 0, 1.0, whole))
