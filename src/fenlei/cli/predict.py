"""``fenlei predict``: label texts with a model, in memory that does not grow with the file."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenlei.cli._common import json_option, one_line, progress, text_options, to_json
from fenlei.exceptions import DataError

if TYPE_CHECKING:
    from fenlei.base import TextClassifier

_STDIO = "-"
_BATCH_ROWS, _BATCH_CHARACTERS = 8192, 8_000_000
_TEXT_WIDTH, _LABEL_WIDTH = 60, 30
_COUNTABLE = (".jsonl", ".ndjson", ".csv", ".tsv", ".tab", ".txt", ".ft", ".fasttext")

Prediction = dict[str, Any]


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
    _check_output(output, source)
    from fenlei.persistence import load

    classifier = load(model)
    shown = len(classifier.classes_) if proba else top or 0
    batches = iter([list(texts)]) if texts else _batches(source or _STDIO, columns)
    predictions = _predictions(classifier, batches, shown)
    lines_appear = output in (None, _STDIO) and sys.stdout.isatty()  # among which a bar would be in the way
    with progress("rows", _count_rows(source), wanted=not texts and not lines_appear) as advance:
        _write(predictions, classifier, output, as_json=as_json, advance=advance)


def _check_output(output: str | None, source: str | None) -> None:
    from fenlei.persistence import refuse_inside_model

    if output in (None, _STDIO):
        return
    path = Path(output or "")
    if path.suffix.lower() in (".csv", ".tsv", ".xlsx", ".parquet"):
        raise DataError("predictions are written as jsonl; name the file *.jsonl", source=output)
    refuse_inside_model(path)
    if path.is_dir() or not path.parent.is_dir():
        raise DataError("is a folder" if path.is_dir() else "its folder does not exist", source=output)
    if source and source != _STDIO and path.exists() and Path(source).exists() and path.samefile(source):
        raise DataError("is the file that is read; write the predictions elsewhere", source=output)


def _batches(source: str, columns: dict[str, str | None]) -> Iterator[list[str]]:
    """Cut the input into lists of so many texts, or so many characters, that memory stays flat."""
    from fenlei.data.readers import stream

    batch: list[str] = []
    room = _BATCH_CHARACTERS
    for record in stream(source, label="", **columns):
        batch.append(record.text)
        room -= len(record.text)
        if len(batch) == _BATCH_ROWS or room <= 0:
            yield batch
            batch, room = [], _BATCH_CHARACTERS
    if batch:
        yield batch


def _predictions(
    model: TextClassifier, batches: Iterator[list[str]], shown: int
) -> Iterator[list[tuple[str, Prediction]]]:
    """Pair each text with its prediction; the `shown` likeliest classes are its ``scores``, best first."""
    classes = model.classes_.tolist()
    key = "labels" if model.multi_label_ else "label"
    for batch in batches:
        scores = model.predict_proba(batch)
        labels = model.labels_from_scores(scores)
        plain = labels if isinstance(labels, list) else labels.tolist()
        best = scores.max(axis=1).tolist()
        made: list[Prediction] = [{key: x, "score": s} for x, s in zip(plain, best, strict=True)]
        if shown:
            orders = (-scores).argsort(axis=1, kind="stable")[:, :shown].tolist()
            for prediction, order, row in zip(made, orders, scores.tolist(), strict=True):
                prediction["scores"] = {str(classes[k]): row[k] for k in order}
        yield list(zip(batch, made, strict=True))


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
                write("".join(to_json(prediction) + "\n" for _, prediction in batch))
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
def _open_output(output: str) -> Iterator[Callable[[str], object]]:
    """Open a file that appears when all is written, or what is there and no file: a pipe, a device."""
    from fenlei._atomic import atomic_file

    path = Path(output)
    if output == _STDIO:
        yield lambda text: click.echo(text, nl=False)
        return
    special = path.exists() and not path.is_file()
    opened: AbstractContextManager[Any] = path.open("wb") if special else atomic_file(path)
    with opened as file:
        yield lambda text: file.write(text.encode("utf-8"))


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


def _count_rows(source: str | None) -> int | None:
    """Count the lines of a plain file for the progress bar; None without a bar, or where it tells nothing."""
    if not source or not sys.stderr.isatty() or not source.lower().endswith(_COUNTABLE):
        return None
    if not os.path.isfile(source):  # noqa: PTH113  (a name, not yet a path)
        return None
    with Path(source).open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
