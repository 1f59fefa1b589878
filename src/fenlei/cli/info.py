"""``fenlei info``: what is in a model folder, and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenlei.cli._common import json_option, one_line, print_json, to_json

if TYPE_CHECKING:
    from fenlei.manifest import Manifest

_CLASSES_SHOWN = 20
_WIDTH = 400  # characters of a value that are shown


@click.command("info")
@click.argument("model", metavar="MODEL")
@json_option
def info_command(model: str, as_json: bool) -> None:
    """Tell what the model in the folder MODEL is, how it was trained, and what it measured.

    Every file is checked against its fingerprint, as loading does.
    """
    from fenlei.persistence import read_parts

    manifest, classes, settings = read_parts(model)
    labels = classes.tolist()
    if as_json:
        print_json(_document(model, manifest, labels, settings))
    else:
        _print(_rows(manifest, labels, settings))


def _document(folder: str, manifest: Manifest, labels: list[Any], settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": str(Path(folder)),
        "family": manifest.family,
        "fenlei": manifest.fenlei,
        "schema": manifest.schema,
        "language": manifest.language,
        "multi_label": manifest.multi_label,
        "classes": labels,
        "size": manifest.size,
        "facts": manifest.facts,
        "settings": settings,
        "files": {name: asdict(facts) for name, facts in manifest.files.items()},
    }


def _rows(manifest: Manifest, labels: list[Any], settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "family", manifest.family
    yield "written by", f"fenlei {manifest.fenlei}"
    yield "language", manifest.language or "-"
    several = ", several a text" if manifest.multi_label else ""
    more = ", ..." if len(labels) > _CLASSES_SHOWN else ""
    yield "classes", f"{len(labels):,}{several}: {', '.join(map(str, labels[:_CLASSES_SHOWN]))}{more}"
    yield "size", f"{manifest.size / 1e6:,.1f} MB in {len(manifest.files)} files"
    yield from _flat({name: fact for name, fact in manifest.facts.items() if name != "learning_curve"})
    yield "settings", ", ".join(f"{name}={_value(value)}" for name, value in settings.items())
    for name, facts in manifest.files.items():
        yield name, f"{facts.size:,} bytes, sha256 {facts.sha256[:16]}..."


def _flat(facts: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Name nested facts by their way down, such as "metrics test accuracy"; long ones are cut."""
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name} ")
        else:
            shown = _value(value)
            yield f"{before}{name}", shown if len(shown) <= _WIDTH else f"{shown[:_WIDTH]}..."


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return value if isinstance(value, str) else to_json(value)


def _print(rows: Iterator[tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(one_line(name)), Text(one_line(value)))
    Console().print(table)
