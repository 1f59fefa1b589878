"""Options of ``fenlei train`` from a TOML file, and the values of its settings."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from fenlei.exceptions import DataError, SettingError, unknown_name

_SETTINGS = "set"


def take_config(context: click.Context, option: click.Parameter, path: str | None) -> dict[str, Any]:
    """Make the options of a file the defaults of the command, and return its table of settings.

    The callback of an eager option: click converts and checks the values as if they had been typed, and what is typed
    wins. A file has the long options without their dashes at its top, and the model's settings in the table ``[set]``::

        model = "tfidf"
        drop-duplicates = true
        [set]
        C = 0.5
        clean.urls = "remove"

    Raises
    ------
    DataError
        When the file cannot be read or is not TOML.
    SettingError
        When it has an unknown option.
    """
    if path is None:
        return {}
    content = _load(path)
    settings = _flat(content.pop(_SETTINGS, {}))
    known = {
        name.removeprefix("--"): one.name for one in context.command.params for name in one.opts if one is not option
    }
    known.pop(_SETTINGS)
    for name in content:
        if name not in known:
            raise SettingError(f"{path}: {unknown_name('option', name, [_SETTINGS, *known])}")
    context.default_map = {known[name]: value for name, value in content.items()}
    return settings


def parse_settings(pairs: Iterable[str]) -> dict[str, Any]:
    """Split each ``KEY=VALUE``; the value is JSON where it reads as JSON, else a text.

    Examples
    --------
    >>> parse_settings(["C=0.5", "segmenter=jieba", "ngrams=[1, 2]"])
    {'C': 0.5, 'segmenter': 'jieba', 'ngrams': [1, 2]}
    """
    return dict(map(_parse, pairs))


def _parse(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise SettingError(f"--set takes KEY=VALUE; got {text!r}")
    try:
        return key, json.loads(value)
    except (ValueError, RecursionError):
        constants = {"None": None, "True": True, "False": False}
        return key, constants.get(value, value)


def _load(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", source=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"is not TOML: {error}", source=path) from error


def _flat(table: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(table, dict):
        raise SettingError("[set] must be a table of settings")
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
