"""``fenlei compress``: make a trained model smaller or faster, and measure what that costs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenlei.cli._common import data_options, json_option, print_json, status, warn
from fenlei.exceptions import DataError, SettingError

if TYPE_CHECKING:
    from fenlei.base import TextClassifier
    from fenlei.compress.measure import Comparison, Measured
    from fenlei.data.dataset import Dataset
    from fenlei.manifest import Manifest

_MAX_LOSS = 1.0


@click.command("compress")
@click.argument("model", metavar="MODEL")
@click.option("--to", required=True, metavar="METHOD", help="What to make of the model: folded.")
@click.option("--table", metavar="KIND", help="Numbers of folded tables: float32, float16, int8.  [default: float32]")
@click.option("--data", metavar="FILE", help="Labelled texts to measure on; drawn from the vocabulary without.")
@click.option("--out", required=True, metavar="DIR", help="Folder of the new model.")
@click.option(
    "--max-loss", type=click.FloatRange(min=0), metavar="POINTS",
    help="Accuracy on the data that may be lost, in points.  [default: 1]",
)  # fmt: skip
@data_options
@json_option
def compress_command(
    model: str,
    to: str,
    table: str | None,
    data: str | None,
    out: str,
    max_loss: float | None,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Make a smaller or faster model of the one in the folder MODEL, and measure both.

    Nothing is written when more accuracy is lost than --max-loss allows.
    """
    if max_loss is not None and data is None:
        raise click.UsageError("--max-loss needs --data FILE, on which to measure the loss")
    from fenlei.compress.measure import compare
    from fenlei.compress.methods import check_options, compress
    from fenlei.persistence import load, read_manifest, save

    options = check_options(to, {"table": table})
    _check_out(model, out)
    dataset = _read(data, columns)
    with status() as tell:
        tell("loading")
        before, manifest = load(model), read_manifest(model)
        tell("compressing")
        after = compress(before, to, **options)
        tell("measuring both")
        found = compare(before, after, *_texts(before, dataset))
    _check_loss(found, _MAX_LOSS if max_loss is None else max_loss)
    facts = {"to": to, **options, **_facts(model, manifest, found, data)}
    save(after, out, facts={"compressed": facts})
    if as_json:
        print_json({"model": out, "to": to, "data": data, **found.to_dict()})
    else:
        _show(found, out, data)


def _check_out(model: str, out: str) -> None:
    from fenlei.persistence import check_replaceable

    if Path(model).resolve() == Path(out).resolve():
        raise SettingError(f"{out}: is the model that is compressed; give another folder for the new one")
    check_replaceable(out)


def _read(data: str | None, columns: dict[str, str | None]) -> Dataset | None:
    from fenlei.data.readers import read

    if data is None:
        return None
    dataset = read(data, **columns)
    for warning in dataset.warnings:
        warn(warning)
    if dataset.targets is None or not len(dataset):
        raise DataError("needs labels to measure accuracy on; name their column with --label", source=data)
    return dataset


def _texts(model: TextClassifier, dataset: Dataset | None) -> tuple[list[str], Any]:
    from fenlei.compress.measure import generated_texts

    return (generated_texts(model), None) if dataset is None else (dataset.texts, dataset.targets)


def _check_loss(found: Comparison, allowed: float) -> None:
    if found.loss is not None and found.loss > allowed + 1e-9:
        raise SettingError(
            f"accuracy fell by {found.loss:.2f} points, of which --max-loss allows {allowed:g}; nothing was written"
        )


def _facts(model: str, manifest: Manifest, found: Comparison, data: str | None) -> dict[str, Any]:
    """Tell what the model was made from, and what was measured."""
    from fenlei.manifest import MANIFEST

    return {
        "from": manifest.family,
        "digest": hashlib.sha256((Path(model) / MANIFEST).read_bytes()).hexdigest(),
        "data": data or "drawn from the vocabulary",
        **found.to_dict(),
        "source_facts": manifest.facts,
    }


def _show(found: Comparison, out: str, data: str | None) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from fenlei.evaluation._text import printable

    texts = f"{found.n_texts:,} texts" + ("" if data else " drawn from the vocabulary")
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(texts)
    for column in (f"before: {found.before.family}", f"after: {found.after.family}"):
        table.add_column(column, justify="right")
    for name, before, after in zip(_NAMES, _figures(found.before), _figures(found.after), strict=True):
        table.add_row(name, before, after)
    table.add_row("largest difference of a score", "", f"{found.largest_difference:.1e}")
    table.add_row("same answer", "", f"{100 * found.agreement:.2f} %")
    console = Console()
    console.print(table)
    console.print(Text(f"Model: {printable(out)}"))


_NAMES = ("accuracy", "size on disk", "one text", "texts a second")


def _figures(one: Measured) -> tuple[str, ...]:
    accuracy = "-" if one.accuracy is None else f"{100 * one.accuracy:.2f} %"
    return accuracy, f"{one.bytes / 1e6:,.1f} MB", f"{one.single_ms:.2f} ms", f"{one.texts_per_second:,.0f}"
