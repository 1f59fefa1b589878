"""Lines: a plain text file, one unlabelled text a line, and fastText's ``__label__x __label__y text``."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from fenlei.data.columns import NO_LABEL
from fenlei.data.dataset import Record, Target
from fenlei.data.files import Notes, Source, lines, open_text
from fenlei.data.formats.options import Options
from fenlei.data.values import as_target, distinct
from fenlei.exceptions import DataError

_PREFIX = "__label__"


def read_lines(source: Source, options: Options, notes: Notes) -> Iterator[Record]:
    """Stream the lines as texts; an empty line is an empty text, so that row n of the answer is line n."""
    with open_text(source, options.encoding, notes, newline="\n") as text:
        for row, line in lines(text, source.name):
            yield Record(row, line, None)


def read_fasttext(source: Source, options: Options, notes: Notes) -> Iterator[Record]:
    """Stream fastText lines: the leading labels, then the text; blank lines are skipped.

    A line with one label gives a string, one with several a list; with ``separator=`` each label is split
    further and every line gives a list.
    """
    with open_text(source, options.encoding, notes, newline="\n") as text:
        for row, line in lines(text, source.name):
            if line.strip():
                labels, rest = _split(line, source.name, row)
                target = None if options.label == NO_LABEL else _target(labels, options, source.name, row)
                yield Record(row, rest, target)


def sniff_lines(source: Source) -> str:
    """Return ``fasttext``, ``jsonl`` or ``txt``, by how the first line begins."""
    with source.open() as raw:
        head = raw.read(1 << 16)
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    start = head.decode("utf-16" if wide else "latin-1", "ignore").removeprefix("ï»¿").lstrip()
    return "fasttext" if start.startswith(_PREFIX) else "jsonl" if start.startswith("{") else "txt"


def _split(line: str, source: str, row: int) -> tuple[list[str], str]:
    labels: list[str] = []
    rest = line.lstrip(" \t")
    while rest.startswith(_PREFIX):
        end = next((i for i, character in enumerate(rest) if character in " \t"), len(rest))
        labels.append(rest[len(_PREFIX) : end])
        rest = rest[end:].lstrip(" \t")
    if not labels:
        raise DataError(
            f"no {_PREFIX} at the start of the line; unlabelled lines are format=txt", source=source, row=row
        )
    return labels, rest


def _target(labels: list[str], options: Options, source: str, row: int) -> Target:
    if options.separator is not None:
        joined = options.separator.join(labels)
        return as_target(joined, separator=options.separator, source=source, row=row)
    whole = [str(as_target(label, separator=None, source=source, row=row)) for label in labels]
    return distinct(whole) if len(set(whole)) > 1 else whole[0]
