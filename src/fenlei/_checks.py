"""The checks of what a user passes: texts, and settings that must be in their range."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fenlei.exceptions import DataError, SettingError

if TYPE_CHECKING:
    from fenlei._estimator import Estimator


def check_texts(X: Any) -> list[str]:
    """Return the texts as a list of plain ``str``, or say which one is not a text.

    Parameters
    ----------
    X : sequence of str, shape (n_samples,)
        A list, a tuple, a one-dimensional numpy array, a pandas Series or any other sequence.

    Returns
    -------
    list of str
        A new list; subclasses of ``str``, such as numpy's, become plain ``str``.

    Raises
    ------
    SettingError
        When `X` is one string (its letters would silently become texts), or not a one-dimensional sequence.
    DataError
        When an element is not a string, with its place counted from 1.

    Examples
    --------
    >>> check_texts(("很好", "bad"))
    ['很好', 'bad']
    >>> check_texts("很好")
    Traceback (most recent call last):
    fenlei.exceptions.SettingError: expected a list of texts, got one string; write [text] for a single text
    >>> check_texts(["很好", None])
    Traceback (most recent call last):
    fenlei.exceptions.DataError: row 2: expected a text, got None; drop or fill missing texts first
    """
    items = _as_list(X)
    if set(map(type, items)) <= {str}:
        return items
    for row, item in enumerate(items, 1):
        if not isinstance(item, str):
            raise DataError(_not_a_text(item), row=row)
    return [str(item) for item in items]


def check_seed(seed: Any) -> None:
    """Refuse a seed that numpy's generators do not take.

    Raises
    ------
    SettingError
        When it is no whole number from 0.

    Examples
    --------
    >>> check_seed(-1)
    Traceback (most recent call last):
    fenlei.exceptions.SettingError: seed must be a whole number from 0, not -1
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise SettingError(f"seed must be a whole number from 0, not {seed!r}")


def _as_list(X: Any) -> list[Any]:
    """Lay a sequence out as a new list; arrays and Series know how themselves."""
    if isinstance(X, str | bytes):
        kind = "string" if isinstance(X, str) else "bytes object"
        raise SettingError(f"expected a list of texts, got one {kind}; write [text] for a single text")
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple) and len(shape) == 2 and shape[1] == 1 and hasattr(X, "reshape"):
        X, shape = X.reshape(-1), shape[:1]  # one column, as scikit-learn's bagging hands it on
    if isinstance(shape, tuple) and len(shape) != 1:
        raise SettingError(f"expected a one-dimensional list of texts, got the shape {shape}; pass one column")
    if hasattr(X, "tolist"):
        return list(X.tolist())
    if not isinstance(X, Sequence):
        raise SettingError(f"expected a list of texts, got {type(X).__name__}")
    return list(X)


def _not_a_text(item: object) -> str:
    nan = isinstance(item, float) and math.isnan(item)
    if item is None or nan or type(item).__name__ == "NAType":  # pandas' missing value, without importing pandas
        return f"expected a text, got {item}; drop or fill missing texts first"
    return f"expected a text, got {type(item).__name__}"


def check_number(
    estimator: Estimator, name: str, *, above: float | None = None, least: float | None = None,
    most: float = 1e9, whole: bool = False, optional: bool = False,
) -> None:  # fmt: skip
    """Refuse a setting that is no number in its range; `optional` ones may be None."""
    check_value(name, getattr(estimator, name), above=above, least=least, most=most, whole=whole, optional=optional)


def check_value(
    name: str, value: Any, *, above: float | None = None, least: float | None = None, most: float = 1e9,
    whole: bool = False, optional: bool = False,
) -> None:  # fmt: skip
    """Refuse an argument that is no number in its range, as `check_number` does a setting.

    Examples
    --------
    >>> check_value("truth", "abc", least=0, most=1)
    Traceback (most recent call last):
    fenlei.exceptions.SettingError: truth must be a number from 0 to 1; got 'abc'
    """
    if optional and value is None:
        return
    kinds = (int, np.integer) if whole else (int, float, np.number)
    sound = isinstance(value, kinds) and not isinstance(value, bool) and value <= most
    if sound and (above is None or value > above) and (least is None or value >= least):
        return
    kind = "whole number" if whole else "number"
    bound = f"above {above}" if above is not None else f"from {least} to {most:g}"
    raise SettingError(f"{name} must be a {kind} {bound}{' or None' if optional else ''}; got {value!r}")


def check_sizes(estimator: Estimator, name: str, *, most: int = 10_000) -> None:
    """Refuse a setting that is no sequence of whole numbers from 1 on; it may be empty."""
    values = getattr(estimator, name)
    sound = isinstance(values, Sequence) and not isinstance(values, str)
    if not sound or not all(type(value) is int and 1 <= value <= most for value in values):
        raise SettingError(f"{name} must be a list of whole numbers from 1 to {most}; got {values!r}")


def check_choice(estimator: Estimator, name: str, *choices: Any) -> None:
    """Refuse a setting that is none of the choices."""
    value = getattr(estimator, name)
    if not any(value is choice or (isinstance(value, str) and value == choice) for choice in choices):
        raise SettingError(f"{name} must be one of {', '.join(map(repr, choices))}; got {value!r}")


def check_unused(estimator: Estimator, reason: str, *names: str) -> None:
    """Refuse settings that were changed and would have no effect."""
    defaults = inspect.signature(type(estimator)).parameters
    for name in names:
        if getattr(estimator, name) != defaults[name].default:
            raise SettingError(f"{name} has no effect {reason}; leave it out")
