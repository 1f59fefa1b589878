"""The model families: a family is a file in ``fenlei/models/``, or a plugin, and is found by its name.

Listing the families imports none of them. A plugin declares an entry point in the group ``fenlei.families``,
whose name is the family's and whose value is the module of its class; it cannot replace a family of our own.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

import fenlei.models
from fenlei._optional import require
from fenlei.exceptions import SettingError, UnknownNameError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from fenlei.base import TextClassifier

GROUP = "fenlei.families"
_OWN_NAME = re.compile(r"^``[^`]*``:\s*")  # how a family's docstring begins


def family_names() -> list[str]:
    """Return the names of all families, sorted.

    Examples
    --------
    >>> {"nbsvm", "tfidf"} <= set(family_names())
    True
    """
    return sorted({*_own_names(), *(plugin.name for plugin in _plugins())})


def find_family(name: str) -> type[TextClassifier]:
    """Import one family and return its estimator class.

    Raises
    ------
    UnknownNameError
        When there is no family of that name.
    SettingError
        When it is a plugin that cannot be imported, or has no such class.
    MissingExtraError
        When it is a network and torch is not installed.

    Examples
    --------
    >>> find_family("tfidf")
    <class 'fenlei.models.tfidf.TfidfClassifier'>
    """
    if name in _own_names():
        return _class_in(require(f"fenlei.models.{name}", extra="neural"), name)
    plugin = next((plugin for plugin in _plugins() if plugin.name == name), None)
    if plugin is None:
        raise UnknownNameError("model family", name, family_names())
    try:
        return _class_in(importlib.import_module(plugin.module), name)
    except Exception as error:  # foreign code may raise anything
        raise SettingError(f"the plugin {plugin.value!r} for {name!r} cannot be used: {error!r}") from error


def describe(name: str) -> str:
    """Return the first line of a family's module, read from its source without running it.

    Returns
    -------
    str
        Empty when the source cannot be found, as with a broken plugin.

    Examples
    --------
    >>> describe("nbsvm")
    'a support vector machine over log-count ratios; a second opinion beside tfidf.'
    """
    modules = {own: f"fenlei.models.{own}" for own in _own_names()}
    for plugin in _plugins():
        modules.setdefault(plugin.name, plugin.module)
    if name not in modules:
        raise UnknownNameError("model family", name, modules)
    docstring = ast.get_docstring(ast.parse(_source(modules[name]))) or ""
    return _OWN_NAME.sub("", docstring.partition("\n")[0])


def _own_names() -> list[str]:
    found = pkgutil.iter_modules(fenlei.models.__path__)
    return [module.name for module in found if not module.name.startswith("_")]


def _plugins() -> Iterator[EntryPoint]:
    """Entry points of other packages; their module is named here, not imported."""
    from importlib.metadata import entry_points  # 30 ms, not needed to load a family of our own

    own = set(_own_names())
    return (point for point in entry_points(group=GROUP) if point.name not in own)


def _class_in(module: ModuleType, family: str) -> type[TextClassifier]:
    from fenlei.base import TextClassifier

    for _, found in inspect.getmembers(module, inspect.isclass):
        if found.__module__ != module.__name__ or not issubclass(found, TextClassifier):
            continue
        if getattr(found, "family", None) == family:
            return found
    raise SettingError(f"{module.__name__} defines no TextClassifier whose family is {family!r}")


def _source(module: str) -> str:
    try:
        spec = find_spec(module)
        get_source = getattr(spec.loader if spec else None, "get_source", None)
        return (get_source(module) or "") if get_source else ""
    except Exception:  # noqa: BLE001  (finding a submodule runs the plugin's package, which may do anything)
        return ""
