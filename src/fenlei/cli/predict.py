"""``fenlei predict``: label texts with a model, in memory that does not grow with the file."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenlei._unread import counted
from fenlei.cli._common import count_rows, json_option, one_line, progress, text_options, to_json, warn

if TYPE_CHECKING:
    from fenlei.base import TextClassifier
    from fenlei.scoring.predictions import Prediction

_STDIO = "-"
_TEXT_WIDTH, _LABEL_WIDTH = 60, 30


@click.command("predict")
@click.argument("model", metavar="MODEL")
@click.argument("source", metavar="[INPUT]", required=False)
@click.option("-t", "texts", multiple=True, metavar="TEXT", help="A text to label; may be repeated.")
@click.option("--output", metavar="FILE.jsonl", help="Write here, a row for each text; - for standard output.")
@click.option("--proba", is_flag=True, help="With the probability of every class.")
@click.option("--top", type=click.IntRange(min=1), metavar="K", help="With the K likeliest classes.")
@text_options
@json_option
def predict_command(
    model: str,
    source: str | None,
    texts: tuple[str, ...],
    output: str | None,
    proba: bool,
    top: int | None,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Label the texts of INPUT, or each TEXT, with the model in the folder MODEL.

    INPUT is a file, a folder, name:SET/SPLIT, or - for standard input, which is also read when
    nothing is given. Labels in it are ignored.
    """
    if source and texts:
        raise click.UsageError("give either INPUT or -t, not both")
    if not texts and source is None:
        if sys.stdin.isatty():
            raise click.UsageError("nothing to label; give INPUT, or a text with -t, or - for standard input")
        source = _STDIO
    if as_json and output is not None:
        raise click.UsageError("--output writes jsonl already; leave out --json")
    from fenlei.persistence import load
    from fenlei.scoring.outputs import check_output

    if output is not None and output != _STDIO:
        check_output(output, source)
    classifier = load(model)
    shown = len(classifier.classes_) if proba else top or 0
    parts = iter([list(texts)]) if texts else _windows(source or _STDIO, columns)
    predictions = _predictions(classifier, parts, shown)
    lines_appear = output in (None, _STDIO) and sys.stdout.isatty()  # among which a bar would be in the way
    bar = progress("rows", count_rows(source), wanted=not texts and not lines_appear)
    with bar as advance, counted() as unread:
        _write(predictions, classifier, output, as_json=as_json, advance=advance)
    if unread.n_texts:
        click.echo(f"fenlei: {unread}", err=True)


def _predictions(
    model: TextClassifier, parts: Iterator[list[str]], shown: int
) -> Iterator[list[tuple[str, Prediction]]]:
    """Pair each text with its prediction."""
    from fenlei.scoring.predictions import as_predictions
    from fenlei.scoring.windows import score_window

    for texts in parts:
        predictions = as_predictions(model, score_window(model, texts), shown=shown)
        yield list(zip(texts, predictions, strict=True))


def _windows(source: str, columns: dict[str, Any]) -> Iterator[list[str]]:
    from fenlei.data.files import Notes
    from fenlei.data.readers import stream
    from fenlei.scoring.windows import windows

    return windows(record.text for record in stream(source, label="", notes=Notes(message=warn), **columns))


def _write(
    predictions: Iterator[list[tuple[str, Prediction]]],
    model: TextClassifier,
    output: str | None,
    *,
    as_json: bool,
    advance: Callable[[int], None],
) -> None:
    if output is not None:
        with _open_output(output) as write:
            for batch in predictions:
                write([prediction for _, prediction in batch])
                advance(len(batch))
    if output is None and as_json:
        _write_list(predictions, advance)
    if output is None and not as_json:
        width = _label_width(model)
        for batch in predictions:
            click.echo("\n".join(_line(text, prediction, width) for text, prediction in batch))
            advance(len(batch))


def _write_list(predictions: Iterator[list[tuple[str, Prediction]]], advance: Callable[[int], None]) -> None:
    """Write one JSON list, an element a line, as they come; nothing before the first is there."""
    before = "[\n"
    for batch in predictions:
        rows = (to_json({"text": text, **prediction}) for text, prediction in batch)
        click.echo(before + ",\n".join(rows), nl=False)
        before = ",\n"
        advance(len(batch))
    click.echo("\n]")


@contextmanager
def _open_output(output: str) -> Iterator[Callable[[list[Prediction]], object]]:
    """Open a file that appears when all is written, or what is there and no file: a pipe, a device."""
    from fenlei._atomic import atomic_file
    from fenlei.data.files import is_packed
    from fenlei.scoring.outputs import rows_as_bytes

    path = Path(output)
    if output == _STDIO:
        yield lambda rows: click.echo("".join(to_json(row) + "\n" for row in rows), nl=False)
        return
    special = path.exists() and not path.is_file()
    opened: AbstractContextManager[Any] = path.open("wb") if special else atomic_file(path)
    with opened as file:
        yield lambda rows: file.write(rows_as_bytes(rows, packed=is_packed(output)))


def _line(text: str, prediction: Prediction, width: int) -> str:
    """One line for people: label, score, other classes, the beginning of the text."""
    labels = prediction["labels"] if "labels" in prediction else [prediction["label"]]
    label = _padded(", ".join(str(x) for x in labels) or "-", width)
    others = "  ".join(f"{one_line(name)} {score:.4f}" for name, score in prediction.get("scores", {}).items())
    line = one_line(" ".join(text[: 4 * _TEXT_WIDTH].split()))
    return "  ".join(part for part in (label, f"{prediction['score']:.4f}", others, _cut(line, _TEXT_WIDTH)) if part)


def _label_width(model: TextClassifier) -> int:
    if model.multi_label_:
        return _LABEL_WIDTH
    return min(_LABEL_WIDTH, max(_cells(one_line(str(label))) for label in model.classes_.tolist()))


def _padded(label: str, width: int) -> str:
    shown = _cut(one_line(label), width)
    return shown + " " * (width - _cells(shown))


def _cut(text: str, width: int) -> str:
    """Shorten to so many columns of the terminal, in which a Chinese character takes two."""
    if _cells(text) <= width:
        return text
    end, used = 0, 1
    while used + _cells(text[end]) <= width:
        used += _cells(text[end])
        end += 1
    return text[:end] + "…"


def _cells(text: str | Sequence[str]) -> int:
    if isinstance(text, str) and text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
