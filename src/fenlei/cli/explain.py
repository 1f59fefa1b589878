"""``fenlei explain``: why a text got its label, on the terminal, as JSON or as an HTML page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenlei.cli._common import json_option, print_json, progress, text_options, warn
from fenlei.exceptions import DataError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from fenlei.base import TextClassifier
    from fenlei.explain.explanation import Explanation

_STDIO = "-"
_AT_ONCE = 32  # texts between two steps of the progress bar
_STRONGEST = 10
_BAR = 20
_FAINT = 0.04  # share of the strongest below which a segment has no colour
_FOR, _AGAINST = (64, 150, 220), (240, 132, 62)


@click.command("explain")
@click.argument("model", metavar="MODEL")
@click.argument("source", metavar="[INPUT]", required=False)
@click.option("-t", "texts", multiple=True, metavar="TEXT", help="A text to explain; may be repeated.")
@click.option("--label", metavar="LABEL", help="The class to explain.  [default: the predicted one]")
@click.option(
    "--method", default="auto", metavar="NAME", help="auto, exact or occlusion.  [default: exact, where it can be had]"
)
@click.option("--output", metavar="FILE.html", help="Write a page with coloured texts.")
@text_options
@json_option
def explain_command(
    model: str,
    source: str | None,
    texts: tuple[str, ...],
    label: str | None,
    method: str,
    output: str | None,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Tell why the texts of INPUT, or each TEXT, get their label from the model in the folder MODEL.

    Each segment of a text gets a weight: how much it speaks for the label, or, below 0, against it.
    INPUT is a file, a folder, name:SET/SPLIT, or - for standard input, which is also read when
    nothing is given. Labels in it are ignored.
    """
    if source and texts:
        raise click.UsageError("give either INPUT or -t, not both")
    if not texts and source is None and sys.stdin.isatty():
        raise click.UsageError("nothing to explain; give INPUT, or a text with -t, or - for standard input")
    if output is not None:
        _check_output(output)
    from fenlei.persistence import load

    classifier = load(model)
    read = list(texts) or _read(source or _STDIO, columns)
    found = _explain(classifier, read, label, method)
    if output is not None:
        _write_page(output, found, model, classifier.family)
    if as_json:
        print_json([one.to_dict() for one in found])
    elif output is None:
        _show(found)
    else:
        click.echo(f"Page: {output}")


def _check_output(output: str) -> None:
    from fenlei.persistence import refuse_inside_model

    path = Path(output)
    if path.suffix.lower() not in (".html", ".htm"):
        raise DataError("the page is HTML; name the file *.html", source=output)
    refuse_inside_model(path)
    if path.is_dir() or not path.parent.is_dir():
        raise DataError("is a folder" if path.is_dir() else "its folder does not exist", source=output)


def _read(source: str, columns: dict[str, Any]) -> list[str]:
    from fenlei.data.files import Notes
    from fenlei.data.readers import stream

    return [record.text for record in stream(source, label="", notes=Notes(message=warn), **columns)]


def _explain(model: TextClassifier, texts: Sequence[str], label: str | None, method: str) -> list[Explanation]:
    from fenlei.explain.methods import explain

    found = explain(model, texts[:0], label=label, method=method)  # refuses a wrong label before a long work
    with progress("texts", len(texts), wanted=len(texts) > _AT_ONCE) as advance:
        for i in range(0, len(texts), _AT_ONCE):
            part = texts[i : i + _AT_ONCE]
            found += explain(model, part, label=label, method=method)
            advance(len(part))
    return found


def _write_page(output: str, found: list[Explanation], model: str, family: str) -> None:
    from fenlei._atomic import atomic_file
    from fenlei.explain.page import render_page

    with atomic_file(Path(output)) as file:
        file.write(render_page(found, model=Path(model).name, family=family).encode("utf-8"))


def _show(found: Sequence[Explanation]) -> None:
    from rich.console import Console

    console = Console()
    for one in found:
        console.print(_coloured(one), soft_wrap=True)
        _print_facts(console, one)
        console.print(_table(one))


def _coloured(one: Explanation) -> Text:
    """Write the text, its segments on shades of blue and orange."""
    from rich.text import Text

    shown = Text()
    for text, segment in one.pieces():
        share = 0.0 if segment is None else one.share(segment)
        shown.append(_plain(text), style=_style(share) if abs(share) >= _FAINT else "")
    return shown


def _style(share: float) -> str:
    """Black on a mixture of white with the colour of the sign."""
    colour = _FOR if share > 0 else _AGAINST
    red, green, blue = (round(255 - abs(share) * (255 - part)) for part in colour)
    return f"black on rgb({red},{green},{blue})"


def _print_facts(console: Console, one: Explanation) -> None:
    from rich.text import Text

    sums = f"{one.method}, base {one.base:+.4f}, score {one.score:+.4f}"
    facts = f"{_plain(str(one.label))}  {one.probability:.4f}  {sums}"
    console.print(Text(facts, style="bold"), soft_wrap=True)
    if one.words_per_segment > 1:
        console.print(Text(f"a long text: {one.words_per_segment} words make one segment"))


def _table(one: Explanation) -> Table:
    """List the segments that say most, with a bar each."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("segment")
    table.add_column("weight", justify="right")
    table.add_column("")
    table.add_column("characters", justify="right")
    for segment in one.strongest(_STRONGEST):
        share = one.share(segment)
        bar = Text("█" * round(_BAR * abs(share)), style=f"rgb{_FOR if share > 0 else _AGAINST}".replace(" ", ""))
        place = f"{segment.start}-{segment.end}"
        table.add_row(Text(_plain(segment.text)), f"{segment.weight:+.4f}", bar, place)
    return table


def _plain(text: str) -> str:
    """Take out what would steer the terminal."""
    from fenlei.evaluation._text import printable

    return printable(text).replace("\r", " ")
