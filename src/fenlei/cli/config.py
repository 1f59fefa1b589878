"""Options of ``fenlei train`` from a TOML file, and the values of its settings."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fenlei.exceptions import DataError, SettingError, unknown_name

_SETTINGS = "set"


def read_config(path: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the options of the command line over those of the file at `path`.

    A file has the long options without their dashes at its top, and the model's settings in the table ``[set]``::

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
        When it has an unknown option, or a setting is not ``KEY=VALUE``.
    """
    merged = dict(options)
    file = {} if path is None else _load(path)
    settings = _flat(file.pop(_SETTINGS, {}))
    for name, value in file.items():
        key = name.replace("-", "_")
        if key not in options or key == "settings":
            raise SettingError(f"{path}: {unknown_name('option', name, [_SETTINGS, *map(_dashed, options)])}")
        if _is_default(merged[key]):
            merged[key] = value
    merged["settings"] = settings | dict(map(parse_setting, options["settings"]))
    return merged


def parse_setting(text: str) -> tuple[str, Any]:
    """Split ``KEY=VALUE``; the value is JSON where it reads as JSON, else a text.

    Examples
    --------
    >>> parse_setting("C=0.5"), parse_setting("segmenter=jieba"), parse_setting("ngrams=[1, 2]")
    (('C', 0.5), ('segmenter', 'jieba'), ('ngrams', [1, 2]))
    """
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


def _is_default(value: Any) -> bool:
    return value is None or value is False


def _dashed(name: str) -> str:
    return name.replace("_", "-")
