"""What several commands share: options about data, JSON on standard output, progress on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

_TEXT_OPTIONS = (
    ("--text", "Column of the texts.  [default: text]"),
    ("--encoding", "Encoding of the file.  [default: UTF-8, then GB18030]"),
    ("--format", "Format of the file.  [default: by the name]"),
    ("--delimiter", "What stands between the columns of a csv file."),
)
_COUNTABLE = (".jsonl", ".ndjson", ".csv", ".tsv", ".tab", ".txt", ".ft", ".fasttext")
_LABEL_OPTIONS = (
    ("--label", "Column of the labels.  [default: label or labels]"),
    ("--separator", "What stands between several labels in one field."),
)


def text_options(command: _Command) -> _Command:
    """Add ``--text --encoding --format --delimiter``, named as the keywords of `fenlei.data.readers.read`."""
    return _with_options(command, _TEXT_OPTIONS)


def data_options(command: _Command) -> _Command:
    """Add the `text_options` and ``--label --separator``: all that can be said about labelled data.

    Take them as ``**columns: str | None`` and hand them on: ``read(path, **columns)``.
    """
    text, *rest = _TEXT_OPTIONS
    return _with_options(command, (text, *_LABEL_OPTIONS, *rest))


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")


def _with_options(command: _Command, options: tuple[tuple[str, str], ...]) -> _Command:
    for name, text in reversed(options):
        command = click.option(name, help=text)(command)
    return command


def to_json(value: Any, *, indent: int | None = None) -> str:
    r"""Write JSON as standard output can take it, with escapes only where its encoding lacks a character.

    Examples
    --------
    >>> to_json({"text": "\ud800"})
    '{"text": "\\ud800"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, indent=indent)
    return text


def print_json(value: Any) -> None:
    """Print the one document of ``--json``."""
    click.echo(to_json(value, indent=2))


def warn(message: str) -> None:
    """Tell the user of something on standard error."""
    click.echo(f"fenlei: warning: {one_line(message)}", err=True)


def one_line(message: str) -> str:
    r"""Write control characters and lone surrogates as escapes: a message must not steer the terminal.

    Examples
    --------
    >>> print(one_line("no such file: 好\x1b[1m\n"))
    no such file: 好\x1b[1m\n
    """
    if message.isprintable():
        return message
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in message)


@contextmanager
def status() -> Iterator[Callable[[str], None]]:
    """Show what is being done on standard error, if it is a terminal; gives ``tell(what)``."""
    if not sys.stderr.isatty():
        yield lambda what: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text("starting")) as shown:
        yield lambda what: shown.update(Text(one_line(what)))


@contextmanager
def progress(what: str, total: int | None = None, *, wanted: bool = True) -> Iterator[Callable[[int], None]]:
    """Show rows done and the time left on standard error, if it is a terminal; gives ``advance(rows)``."""
    if not wanted or not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda rows: bar.update(task, advance=rows)


def count_rows(source: str | None) -> int | None:
    """Count the lines of a plain file for the progress bar; None without a bar, or where it tells nothing."""
    if not source or not sys.stderr.isatty() or not source.lower().endswith(_COUNTABLE):
        return None
    if not os.path.isfile(source):  # noqa: PTH113  (a name, not yet a path)
        return None
    with Path(source).open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
