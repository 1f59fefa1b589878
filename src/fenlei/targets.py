"""Labels and what a learner needs of them: which classes there are, and which rows have which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fenlei.exceptions import DataError, SettingError


@dataclass(frozen=True)
class Targets:
    """Encoded labels.

    Attributes
    ----------
    indicator : array of bool, shape (n_samples, n_classes)
    multi_label : bool
    """

    indicator: NDArray[np.bool_]
    multi_label: bool

    @cached_property
    def indices(self) -> NDArray[np.int64]:
        """Class of each row, single-label only; shape (n_samples,)."""
        return self.indicator.argmax(axis=1)


def learn_classes(y: Any) -> tuple[NDArray[Any], bool]:
    """Find the sorted classes in `y`, and whether each row has a list of labels.

    Raises
    ------
    DataError
        When there are fewer than two classes, or rows with and without lists are mixed.

    Examples
    --------
    >>> learn_classes(["好", "差", "好"])
    (array(['好', '差'], dtype='<U1'), False)
    >>> learn_classes([["a", "b"], []])
    (array(['a', 'b'], dtype='<U1'), True)
    """
    rows = label_rows(y)
    multi_label = bool(rows) and all(_is_set(row) for row in rows)
    labels = [label for row in rows for label in row] if multi_label else rows
    _check_labels(labels, rows)
    classes = np.array(sorted(set(labels))) if labels else np.empty(0)
    if len(classes) < 2:
        found = f"only the class {classes[0].item()!r}" if len(classes) else "no class at all"
        raise DataError(f"the labels hold {found}; a classifier needs two classes or more")
    return classes, multi_label


def encode(y: Any, classes: NDArray[Any], multi_label: bool) -> Targets:
    """Encode `y` over known classes.

    Raises
    ------
    DataError
        When a label is not among the classes, with its row counted from 1.
    """
    rows = label_rows(y)
    index = {label: k for k, label in enumerate(classes.tolist())}
    indicator = np.zeros((len(rows), len(classes)), dtype=bool)
    for row, labels in enumerate(rows):
        for label in labels if multi_label and _is_set(labels) else [labels]:
            if _is_set(label) or label not in index:
                raise DataError(f"the label {label!r} is not among the {len(classes)} known classes", row=row + 1)
            indicator[row, index[label]] = True
    return Targets(indicator, multi_label)


def class_weights(setting: Any, classes: NDArray[Any], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight of each class: 1, its inverse frequency ``n / (k n_class)`` for "balanced", or as given by label."""
    if setting is None:
        return np.ones(len(classes))
    if setting == "balanced":
        return counts.sum() / (len(classes) * np.where(counts > 0, counts, 1))
    if not isinstance(setting, dict):
        raise SettingError(f"class_weight must be None, 'balanced' or a weight for each label; got {setting!r}")
    known = classes.tolist()
    for label, weight in setting.items():
        if label not in known:
            raise SettingError(f"class_weight names the label {label!r}; known: {', '.join(map(str, known))}")
        if not isinstance(weight, int | float) or not 0 < weight < math.inf:
            raise SettingError(f"class_weight of {label!r} must be a finite number above 0; got {weight!r}")
    return np.array([float(setting.get(label, 1.0)) for label in known])


def label_rows(y: Any) -> list[Any]:
    """Lay labels out as a new list of plain values, one a text; refuse what has no order, or no rows."""
    if y is None:
        raise DataError("there are no labels to learn from")
    if isinstance(y, str):
        raise SettingError("expected a list of labels, got one string; write [label] for a single one")
    if getattr(y, "ndim", 1) != 1:
        raise SettingError(f"labels must be a list, or a list of lists of labels; got an array of shape {y.shape}")
    if not hasattr(y, "tolist") and not isinstance(y, Sequence):
        raise SettingError(f"labels must be a list, or a list of lists of labels; got {type(y).__name__}")
    return [_plain(row) for row in (y.tolist() if hasattr(y, "tolist") else y)]


def _is_set(row: Any) -> bool:
    return isinstance(row, list | tuple | set | frozenset)


def _plain(row: Any) -> Any:
    """Numpy's texts and numbers as Python's, also inside a set of labels."""
    if _is_set(row):
        return [_plain(label) for label in row]
    return row.item() if isinstance(row, np.generic) else row


def _check_labels(labels: Sequence[Any], rows: Sequence[Any]) -> None:
    kinds = set(map(type, labels))
    if kinds <= {str} or kinds <= {int} or kinds <= {bool}:
        if any(label.endswith("\x00") for label in labels if isinstance(label, str)):
            raise DataError("a label ends with the character NUL, which numpy drops; rename it")
        if any(not -(2**63) <= label < 2**63 for label in labels if isinstance(label, int)):
            raise DataError("a label is a whole number of more than 64 bits; make the labels texts")
        return
    for row, label in enumerate(rows, 1):
        if _is_missing(label):
            raise DataError("the label is missing", row=row)
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise DataError(f"labels must be all texts or all whole numbers; got {names}")


def _is_missing(label: Any) -> bool:
    return label is None or (isinstance(label, float) and math.isnan(label)) or type(label).__name__ == "NAType"
