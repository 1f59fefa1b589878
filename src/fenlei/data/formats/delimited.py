r"""csv and tsv: a header, then one record a row; every value stays the string it is.

csv is read by Python's csv module with ``strict=True`` and double quotes. tsv has no quoting, as in most
Chinese NLP files: a record is a line, a ``"`` is a character. A tsv that does have quotes is a csv with
``delimiter="\t"``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from fenlei.data.columns import NO_LABEL, Columns, find_columns
from fenlei.data.dataset import Record
from fenlei.data.files import LONGEST_FIELD, Notes, Source, lines, open_text
from fenlei.data.formats.options import Options
from fenlei.data.values import as_target
from fenlei.exceptions import DataError


def read_csv(source: Source, options: Options, notes: Notes) -> Iterator[Record]:
    """Stream the records of a csv file; rows are numbered as a spreadsheet shows them (the header is 1)."""
    delimiter = options.delimiter or ","
    with open_text(source, options.encoding, notes, newline="") as text:
        yield from read_table(csv_rows(text, delimiter, source.name), options, source.name, delimiter=delimiter)


def read_tsv(source: Source, options: Options, notes: Notes) -> Iterator[Record]:
    """Stream the records of a tsv file, without quoting; the row is the line."""
    delimiter = options.delimiter or "\t"
    with open_text(source, options.encoding, notes, newline="\n") as text:
        rows = ((row, line.split(delimiter) if line else []) for row, line in lines(text, source.name))
        yield from read_table(rows, options, source.name, delimiter=delimiter)


def read_table(
    rows: Iterable[tuple[int, Sequence[str]]], options: Options, source: str, *, delimiter: str
) -> Iterator[Record]:
    """Turn numbered rows of strings, the header first, into records; blank rows are skipped."""
    filled = ((row, cells) for row, cells in rows if cells)
    _, header = next(filled, (0, ()))
    if not header:
        raise DataError("the file is empty", source=source)
    hint = _delimiter_hint(header, delimiter)
    columns = find_columns(header, text=options.text, label=options.label, source=source, hint=hint)
    refuse_unsplit(columns, options, source)
    text_at = header.index(columns.text)
    label_at = None if columns.label is None else header.index(columns.label)
    for row, cells in filled:
        if len(cells) != len(header):
            raise DataError(_wrong_count(len(cells), len(header), delimiter), source=source, row=row)
        target = None
        if label_at is not None:
            target = as_target(cells[label_at], separator=options.separator, source=source, row=row)
        yield Record(row, cells[text_at], target)


def refuse_unsplit(columns: Columns, options: Options, source: str) -> None:
    """Refuse a column ``labels`` found by name, in a format without lists, that nobody said how to split."""
    by_name = options.label is None and columns.label is not None
    if by_name and options.separator is None and str(columns.label).strip().casefold() == "labels":
        raise DataError(
            "column 'labels' may hold several labels a row: say how to split it (--separator '|'), "
            f"or give --label {columns.label} if each row has one; label={NO_LABEL!r} reads the texts alone",
            source=source,
        )


def csv_rows(text: TextIO, delimiter: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Give the numbered rows of a csv file, the header among them; a blank row has no cells."""
    # The limit belongs to the whole process and counts while rows are parsed, so it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_FIELD))
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    row = 0
    while True:
        row += 1
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{_csv_message(error)} (the record starts in line {line})", source=source, row=row
            ) from error
        yield row, cells


def _csv_message(error: csv.Error) -> str:
    reason = str(error)
    if "unexpected end of data" in reason or "field larger than" in reason:
        return 'a quote (") opens here and never closes; close it, or write it twice if it is part of the text'
    if "expected after" in reason:
        return 'text follows a closing quote; a quote (") inside a quoted field is written twice ("")'
    return f"not valid csv: {reason}"


def _wrong_count(found: int, expected: int, delimiter: str) -> str:
    return (
        f"{found} fields where the header has {expected}; a text that contains {delimiter!r} must be quoted "
        "(csv), or the file has another delimiter (--delimiter)"
    )


def _delimiter_hint(header: Sequence[str], delimiter: str) -> str:
    if len(header) > 1:
        return ""
    others = {"\t": "a tab", ";": "';'", ",": "','", "|": "'|'"}
    for other, name in others.items():
        if other != delimiter and other in header[0]:
            return f"; the header is one column but contains {name}: is that the delimiter (--delimiter)?"
    return "; does the file have a header row?"
