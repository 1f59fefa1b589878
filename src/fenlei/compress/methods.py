"""The ways to compress a model, by the names that ``fenlei compress --to`` knows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fenlei.compress.folding import fold
from fenlei.exceptions import SettingError, UnknownNameError, unknown_name

if TYPE_CHECKING:
    from fenlei.base import TextClassifier


METHODS: Mapping[str, Callable[..., TextClassifier]] = {"folded": fold}
"""Functions from a trained model, which they leave as it is, to a new one; their keywords are their options."""


def compress(model: TextClassifier, to: str, **options: Any) -> TextClassifier:
    """Make a smaller or faster model of a trained one.

    Parameters
    ----------
    model : TextClassifier
    to : {"folded"}
        The method.
    **options
        Of the method: ``table`` of `fenlei.compress.folding.fold`. One that is None counts as not given.

    Raises
    ------
    UnknownNameError, SettingError
        When there is no such method, or it has no such option or cannot compress this model.

    Examples
    --------
    >>> import fenlei
    >>> compress(fenlei.TfidfClassifier(), "folded")
    Traceback (most recent call last):
    fenlei.exceptions.SettingError: only a textcnn folds into tables, and this is a tfidf; train a textcnn
    """
    given = check_options(to, options)
    return METHODS[to](model, **given)


def check_options(to: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Give those options that are not None, or refuse a method or option that there is not."""
    if to not in METHODS:
        raise UnknownNameError("compression", to, METHODS)
    given = {name: value for name, value in options.items() if value is not None}
    keywords = inspect.signature(METHODS[to]).parameters.values()
    known = [p.name for p in keywords if p.kind is p.KEYWORD_ONLY]
    for name in given:
        if name not in known:
            raise SettingError(unknown_name(f"option of {to}", name, known))
    return given
