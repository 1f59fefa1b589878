"""``fenlei compress``: make a trained model smaller or faster, and measure what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from fenlei.cli._common import data_options, json_option, one_line, print_json, warn
from fenlei.cli._corpus import corpus_texts
from fenlei.cli._training import training_status
from fenlei.cli.config import parse_settings
from fenlei.engine.recipe import Run
from fenlei.exceptions import DataError, SettingError

if TYPE_CHECKING:
    from fenlei.base import TextClassifier
    from fenlei.compress.material import Material
    from fenlei.compress.measure import Comparison, Measured
    from fenlei.data.dataset import Dataset
    from fenlei.manifest import Manifest

_COLUMNS = ("text", "label", "separator", "encoding", "format", "delimiter")


@click.command("compress")
@click.argument("model", metavar="MODEL")
@click.option(
    "--to", required=True, metavar="METHOD",
    help="What to make of the model: int8, pruned, distilled, trimmed or folded.",
)  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of the method; may be repeated.")
@click.option("--data", metavar="FILE", help="Labelled texts to measure both models on.")
@click.option("--train", metavar="FILE", help="Labelled texts to learn from, for methods that train.")
@click.option(
    "--texts", multiple=True, metavar="FILE", help="Texts without labels: to learn from, to trim to; may be repeated."
)
@click.option("--out", required=True, metavar="DIR", help="Folder of the new model.")
@click.option(
    "--max-loss", type=click.FloatRange(min=0), default=1, show_default=True, metavar="POINTS",
    help="Accuracy that may be lost, in points; without labels, how many of 100 answers may be others.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=13, show_default=True, help="Of all that is drawn.")
@data_options
@json_option
def compress_command(model: str, to: str, out: str, as_json: bool, **chosen: Any) -> None:
    """Make a smaller or faster model of the one in the folder MODEL, and measure both.

    Nothing is written when more accuracy is lost than --max-loss allows.
    """
    from fenlei.compress.measure import compare
    from fenlei.compress.methods import check_options, compress
    from fenlei.persistence import REFERENCE, load, read_extra, read_manifest, save
    from fenlei.train.run import nested

    options = check_options(to, nested(parse_settings(chosen["settings"])))
    _check_out(model, out)
    manifest = read_manifest(model)
    material = _material(to, chosen, multi_label=manifest.multi_label)
    _check_bound(material)
    notes = [*material.notes]
    with training_status() as tellers:
        tellers.tell("loading")
        before = load(model)
        tellers.tell(f"making a {to} model")
        after = compress(
            before, to, train=_pairs(material.train), texts=material.texts, seed=chosen["seed"],
            run=Run(progress=tellers.advance, message=notes.append), **options,
        )  # fmt: skip
        tellers.tell("measuring both")
        found = compare(before, after, *_measured_on(before, material))
    for note in notes:
        click.echo(f"fenlei: {one_line(note)}", err=True)
    if material.measured is not None:  # texts drawn from the vocabulary are like no text that anybody writes
        _check_loss(found, chosen["max_loss"])
    source = None if material.measured is None else material.measured.source
    facts = {"to": to, "options": options, "notes": notes, **_facts(model, manifest, found, source)}
    reference = read_extra(model, REFERENCE)
    save(after, out, facts={"compressed": facts}, extra={} if reference is None else {REFERENCE: reference})
    if as_json:
        print_json({"model": out, "to": to, "data": source, "notes": notes, **found.to_dict()})
    else:
        _show(found, out, source)


def _check_out(model: str, out: str) -> None:
    from fenlei.persistence import check_replaceable

    if Path(model).resolve() == Path(out).resolve():
        raise SettingError(f"{out}: is the model that is compressed; give another folder for the new one")
    check_replaceable(out)


def _material(to: str, chosen: dict[str, Any], *, multi_label: bool) -> Material:
    """Read the files, and say what is learned from and what is measured on."""
    from fenlei.compress.material import divide

    columns = {name: chosen[name] for name in _COLUMNS}
    data, train = (_read(chosen[name], columns, multi_label=multi_label) for name in ("data", "train"))
    unlabelled = {name: value for name, value in columns.items() if name not in ("label", "separator")}
    labelled = data is not None or train is not None  # of which the columns are told; those texts may have none
    texts = list(corpus_texts(chosen["texts"], unlabelled, strict=not labelled))
    if chosen["texts"] and not texts:
        raise DataError("holds no texts", source=chosen["texts"][0])
    return divide(to, data=data, train=train, texts=texts, seed=chosen["seed"])


def _read(path: str | None, columns: dict[str, str | None], *, multi_label: bool) -> Dataset | None:
    from fenlei.data.label_kind import with_label_kind
    from fenlei.data.readers import read

    if path is None:
        return None
    dataset = with_label_kind(read(path, **columns), multi_label=multi_label)
    for warning in dataset.warnings:
        warn(warning)
    if dataset.targets is None or not len(dataset):
        raise DataError("needs labels; name their column with --label", source=path)
    return dataset


def _measured_on(model: TextClassifier, material: Material) -> tuple[list[str], Any]:
    from fenlei.compress.measure import generated_texts

    measured = material.measured
    return (generated_texts(model), None) if measured is None else (measured.texts, measured.targets)


def _pairs(dataset: Dataset | None) -> tuple[list[str], Any] | None:
    return None if dataset is None else (dataset.texts, dataset.targets)


def _check_bound(material: Material) -> None:
    """Refuse a bound that nothing could be held to."""
    given = click.get_current_context().get_parameter_source("max_loss") is not ParameterSource.DEFAULT
    if given and material.measured is None:
        raise click.UsageError("--max-loss needs --data FILE, on which to measure the loss")


def _check_loss(found: Comparison, allowed: float) -> None:
    if found.most_lost <= allowed + 1e-9:
        return
    if found.loss is not None:
        raise SettingError(
            f"accuracy fell by {found.loss:.2f} points, of which --max-loss allows {allowed:g}; nothing was written"
        )
    raise SettingError(
        f"{found.most_lost:.2f} % of the answers are others, and without labels --max-loss allows {allowed:g}; nothing "
        "was written; give labelled texts with --data to measure what accuracy is lost, or raise --max-loss"
    )


def _facts(model: str, manifest: Manifest, found: Comparison, data: str | None) -> dict[str, Any]:
    """Tell what the model was made from, and what was measured."""
    from fenlei.persistence import read_digest

    return {
        "from": manifest.family,
        "digest": read_digest(model),
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
    at_most = "at most " if found.loss is None else ""
    table.add_row("accuracy lost", "", f"{at_most}{found.most_lost:.2f} points" if data else "unknown")
    console = Console()
    console.print(table)
    console.print(Text(f"Model: {printable(out)}"))


_NAMES = ("accuracy", "size on disk", "one text", "texts a second")


def _figures(one: Measured) -> tuple[str, ...]:
    accuracy = "-" if one.accuracy is None else f"{100 * one.accuracy:.2f} %"
    return accuracy, f"{one.bytes / 1e6:,.1f} MB", f"{one.single_ms:.2f} ms", f"{one.texts_per_second:,.0f}"
