"""``fenlei models``: the model families, and the settings of one."""

from __future__ import annotations

import inspect
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from fenlei.cli._common import json_option, one_line, print_json

_PLAIN = str | int | float | bool | None


@click.command("models")
@click.argument("name", metavar="[NAME]", required=False)
@json_option
def models_command(name: str | None, as_json: bool) -> None:
    """List the model families; with NAME, the settings of one, for fenlei train --set KEY=VALUE."""
    from fenlei.families import describe, family_names

    if name is None:
        families = [{"name": known, "description": describe(known)} for known in family_names()]
        if as_json:
            print_json(families)
        else:
            _print_families(families)
        return
    settings = family_settings(name)
    if as_json:
        print_json({"name": name, "description": describe(name), "settings": settings})
    else:
        _print_settings(name, describe(name), settings)


def family_settings(family: str) -> list[dict[str, Any]]:
    """Name, default and description of each setting, in the order of the constructor."""
    from fenlei.families import find_family

    kind = find_family(family)
    hints = _hints(kind)
    return [
        {"name": p.name, "default": _plain(p.default), "description": _description(kind, p.name, hints.get(p.name))}
        for p in inspect.signature(kind).parameters.values()
    ]


def _hints(kind: type) -> dict[str, Any]:
    """Types of the constructor's keywords, of those too that it hands on to its parents."""
    makers = [vars(one)["__init__"] for one in reversed(kind.__mro__[:-1]) if "__init__" in vars(one)]
    return {name: hint for maker in makers for name, hint in get_type_hints(maker).items()}


def _description(kind: type, name: str, hint: Any) -> str:
    """Tell the meaning of a setting, and the values it may have."""
    values = ", ".join(map(str, get_args(hint))) if get_origin(hint) is Literal else ""
    meaning = _meaning(kind, name)
    return f"{meaning} One of: {values}." if values else meaning


def _meaning(kind: type, name: str) -> str:
    """Take the first description that does not merely point to another class; a class stands before its parents."""
    from fenlei._numpydoc import parameter_descriptions
    from fenlei.features.ngrams import NgramCounts
    from fenlei.features.tfidf import TfidfFeatures
    from fenlei.models.tfidf import TfidfClassifier
    from fenlei.preparation import Preparation

    described = [
        parameter_descriptions(one.__doc__).get(name, "")
        for one in (*kind.__mro__, NgramCounts, TfidfFeatures, Preparation, TfidfClassifier)
    ]
    known = [text for text in described if text]
    return next((text for text in known if not _points_elsewhere(text)), known[0] if known else "")


def _points_elsewhere(description: str) -> bool:
    plain = description.strip(" .").lower()
    return plain.startswith("see ") or plain.endswith("see there") or "; see `" in plain


def _plain(default: Any) -> Any:
    if default is inspect.Parameter.empty:
        return None
    if isinstance(default, tuple | list):
        return [_plain(item) for item in default]
    return default if isinstance(default, _PLAIN) else repr(default)


def _print_families(families: list[dict[str, str]]) -> None:
    width = max(len(family["name"]) for family in families)
    for family in families:
        click.echo(f"{one_line(family['name']):<{width}}  {one_line(family['description'])}".rstrip())
    click.echo("\nThe settings of one: fenlei models NAME")


def _print_settings(name: str, description: str, settings: list[dict[str, Any]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("setting", no_wrap=True)
    table.add_column("default", no_wrap=True)
    table.add_column("")
    for setting in settings:
        table.add_row(setting["name"], Text(_shown(setting["default"])), Text(one_line(setting["description"])))
    console = Console()
    console.print(Text(one_line(f"{name}: {description}")))
    console.print(table if settings else "It has no settings.")


def _shown(default: Any) -> str:
    """Write a default as it would be typed after ``--set KEY=``."""
    from fenlei._strict_json import dump

    return default if isinstance(default, str) else dump(default).decode()
