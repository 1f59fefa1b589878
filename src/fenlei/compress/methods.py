"""The ways to compress a model, by the names that ``fenlei compress --to`` knows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fenlei.compress.distilling import distill, student_settings
from fenlei.compress.folding import fold
from fenlei.compress.pruning import prune
from fenlei.compress.quantizing import quantize
from fenlei.compress.trimming import trim
from fenlei.exceptions import SettingError, UnknownNameError, unknown_name

if TYPE_CHECKING:
    from fenlei.base import TextClassifier
    from fenlei.engine.recipe import Run


METHODS: Mapping[str, Callable[..., TextClassifier]] = {
    "distilled": distill,
    "folded": fold,
    "int8": quantize,
    "pruned": prune,
    "trimmed": trim,
}
"""Functions from a trained model, which they leave as it is, to a new one.

Their keywords are their options, but for `RESOURCES`, of which each names those that it makes use of.
"""
RESOURCES = ("train", "texts", "seed", "run")


def compress(
    model: TextClassifier, to: str, *, train: tuple[Sequence[str], Any] | None = None, texts: Sequence[str] = (),
    seed: int = 13, run: Run | None = None, **options: Any,
) -> TextClassifier:  # fmt: skip
    """Make a smaller or faster model of a trained one.

    Parameters
    ----------
    model : TextClassifier
        Stays as it is.
    to : {"distilled", "folded", "int8", "pruned", "trimmed"}
        The method.
    train : (texts, labels), optional
        What methods that train may learn from.
    texts : sequence of str, optional
        Texts without labels, for methods that make use of them.
    seed : int, default=13
        Of all that is drawn.
    run : Run, optional
        Whom to tell of the progress.
    **options
        Of the method: the keywords of its function. One that is None counts as not given.

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
    material = {"train": train, "texts": list(texts), "seed": seed, "run": run}
    return METHODS[to](model, **{name: material[name] for name in resources(to)}, **given)


def resources(to: str) -> list[str]:
    """Tell which of the `RESOURCES` a method makes use of.

    Raises
    ------
    UnknownNameError

    Examples
    --------
    >>> resources("trimmed"), resources("folded")
    (['texts', 'run'], [])
    """
    if to not in METHODS:
        raise UnknownNameError("compression", to, METHODS)
    return [name for name in RESOURCES if name in inspect.signature(METHODS[to]).parameters]


def check_options(to: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Give those options that are not None, or refuse a method or option that there is not."""
    used = resources(to)
    given = {name: value for name, value in options.items() if value is not None}
    keywords = inspect.signature(METHODS[to]).parameters.values()
    known = [p.name for p in keywords if p.kind is p.KEYWORD_ONLY and p.name not in used]
    if any(p.kind is p.VAR_KEYWORD for p in keywords):
        known += student_settings(given)
    for name in given:
        if name not in known:
            raise SettingError(unknown_name(f"option of {to}", name, known))
    return given
