"""What was asked and what was answered, as arrays: the one form that every measure is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fenlei.exceptions import DataError

BoolArray: TypeAlias = NDArray[np.bool_]
FloatArray: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = Sequence[str] | Sequence[Sequence[str]]


@dataclass(frozen=True)
class Answers:
    """True and given labels of each text, with the scores they were given for.

    Attributes
    ----------
    classes : tuple of str
        The model's classes in its own order, then those that only the test data have, sorted.
    n_known : int
        How many of them are the model's.
    multi_label : bool
    truth, given : bool arrays of shape (n_texts, n_classes)
        Which labels are right, and which the model gave.
    scores : float array of shape (n_texts, n_known)
    """

    classes: tuple[str, ...]
    n_known: int
    multi_label: bool
    truth: BoolArray
    given: BoolArray
    scores: FloatArray

    @property
    def right(self) -> BoolArray:
        """Whether each answer is wholly right: the label, or exactly the set of labels."""
        return np.asarray((self.truth == self.given).all(axis=1))

    @property
    def known_truth(self) -> BoolArray:
        """The columns of `truth` that have scores."""
        return self.truth[:, : self.n_known]


def encode(
    classes: Iterable[str],
    scores: FloatArray,
    targets: Labels,
    *,
    predicted: Labels | None = None,
    multi_label: bool = False,
    threshold: float = 0.5,
) -> Answers:
    """Turn labels into indicator matrices.

    Parameters
    ----------
    classes : iterable of str
        One for each column of `scores`.
    scores : array of shape (n_texts, n_classes)
    targets : sequence of str, or of lists of str when `multi_label`
    predicted : like `targets`, optional
        Default: the class of the highest score, or, when `multi_label`, all classes of at least `threshold`.

    Raises
    ------
    DataError
        If there is nothing to measure, a label is missing or of the wrong kind, or `scores` does not fit.
    """
    known = [str(label) for label in classes]
    check_targets(targets, multi_label=multi_label)
    _check_scores(scores, len(targets), len(known))
    names = _union(known, targets, predicted)
    given = _decide(scores, len(names), multi_label=multi_label, threshold=threshold)
    if predicted is not None:
        given = _indicator(predicted, names)
    return Answers(tuple(names), len(known), multi_label, _indicator(targets, names), given, scores)


def check_targets(targets: Labels | None, *, multi_label: bool, rows: Sequence[int] | None = None) -> Labels:
    """Return `targets`, or refuse what cannot be measured against; `rows` tell where each came from."""
    if targets is None:
        raise DataError("an evaluation needs labels; name their column, or use predict for unlabelled texts")
    if len(targets) == 0:
        raise DataError("there are no texts to evaluate on")
    for row, target in zip(range(1, len(targets) + 1) if rows is None else rows, targets, strict=False):
        if target is None:
            raise DataError("the text has no label; label it or leave it out", row=row)
        if isinstance(target, list | tuple) != multi_label:
            kinds = ("a list of labels", "one label")
            expected, came = kinds if multi_label else kinds[::-1]
            raise DataError(f"the model needs {expected} for each text, the data has {came}", row=row)
    return targets


def _check_scores(scores: FloatArray, n_texts: int, n_classes: int) -> None:
    if scores.shape != (n_texts, n_classes):
        raise DataError(
            f"scores of shape {(n_texts, n_classes)} expected, one row a text and one column a class; "
            f"got {scores.shape}"
        )
    if not np.isfinite(scores).all():
        raise DataError("the scores hold values that are not finite numbers; the model is damaged or diverged")


def _union(known: list[str], *others: Labels | None) -> dict[str, int]:
    """Column of each label: `known` first, then what only `others` have."""
    seen = {label for labels in others if labels is not None for target in labels for label in _each(target)}
    return {label: column for column, label in enumerate([*known, *sorted(seen.difference(known))])}


def _indicator(labels: Labels, columns: dict[str, int]) -> BoolArray:
    matrix = np.zeros((len(labels), len(columns)), dtype=bool)
    for row, target in enumerate(labels):
        for label in _each(target):
            matrix[row, columns[label]] = True
    return matrix


def _each(target: str | Sequence[str]) -> list[str]:
    return [str(label) for label in target] if isinstance(target, list | tuple | np.ndarray) else [str(target)]


def _decide(scores: FloatArray, n_columns: int, *, multi_label: bool, threshold: float) -> BoolArray:
    given = np.zeros((len(scores), n_columns), dtype=bool)
    if multi_label:
        given[:, : scores.shape[1]] = scores >= threshold
    else:
        given[np.arange(len(scores)), scores.argmax(axis=1)] = True
    return given
