"""Read a file that a client sends as a table of texts, for a page that labels it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import PurePath
from typing import Any

from fenlei.data.columns import NO_LABEL, find_columns
from fenlei.data.files import Notes, Source, lines, open_text
from fenlei.data.formats.delimited import csv_rows
from fenlei.data.formats.jsonl import parse_object
from fenlei.data.formats.xlsx import as_string, sheet_rows
from fenlei.exceptions import DataError
from fenlei.serve.errors import ServeError

_MOST_ROWS, _MOST_CELLS = 50_000, 5_000_000
_MOST_UNPACKED = 50_000_000  # bytes of a workbook
_Rows = Generator[tuple[int, Sequence[str]], None, None]


def read_table(data: bytes, name: str, text: str | None) -> dict[str, Any]:
    r"""Read a csv, tsv, xlsx or jsonl file as its columns and rows.

    Parameters
    ----------
    data : bytes
    name : str
        Of the file; its suffix tells the format.
    text : str or None
        The column of the texts; by its name without, None in the answer if no name tells.

    Raises
    ------
    ServeError
        When it is no such file, or not sound; says where.

    Examples
    --------
    >>> read_table("评论,星\n很好,5\n".encode("gb18030"), "a.csv", None)
    {'columns': ['评论', '星'], 'text': '评论', 'rows': [['很好', '5']], 'encoding': 'gb18030'}
    """
    read = _READERS.get(PurePath(name).suffix.lower())
    if read is None:
        raise ServeError(415, "unknown_format", f"the name must end in {', '.join(_READERS)}")
    notes = Notes()
    try:
        with closing(read(Source(name, spool=io.BytesIO(data)), notes)) as found:
            columns, rows = _checked(found, name)
        chosen = _text_column(columns, text, name)
    except DataError as error:
        raise ServeError(422, "bad_table", str(error)) from error
    return {"columns": columns, "text": chosen, "rows": rows, "encoding": ", ".join(notes.encodings)}


def _text_column(columns: list[str], text: str | None, name: str) -> str | None:
    """Find the column that was named, or the one that has the name of one; None leaves the choice to the client."""
    try:
        return find_columns(columns, text=text, label=NO_LABEL, source=name).text
    except DataError:
        if text is not None:
            raise
        return None


def _checked(rows: Iterator[tuple[int, Sequence[str]]], name: str) -> tuple[list[str], list[list[str]]]:
    filled = ((row, list(cells)) for row, cells in rows if any(cells))
    _, columns = next(filled, (0, []))
    if not columns:
        raise DataError("the file is empty", source=name)
    found: list[list[str]] = []
    for row, cells in filled:
        if len(cells) != len(columns):
            raise DataError(f"{len(cells)} fields where the header has {len(columns)}", source=name, row=row)
        if len(found) == _MOST_ROWS:
            raise DataError(f"more than {_MOST_ROWS:,} rows; use fenlei score for large files", source=name)
        if len(found) * len(columns) >= _MOST_CELLS:  # a few bytes may ask for millions of empty cells
            raise DataError(f"more than {_MOST_CELLS:,} cells; leave out columns, or use fenlei score", source=name)
        found.append(cells)
    return columns, found


def _csv(source: Source, notes: Notes) -> _Rows:
    with open_text(source, None, notes, newline="") as text:
        yield from csv_rows(text, ",", source.name)


def _tsv(source: Source, notes: Notes) -> _Rows:
    with open_text(source, None, notes, newline="\n") as text:
        yield from ((row, line.split("\t") if line else []) for row, line in lines(text, source.name))


def _xlsx(source: Source, notes: Notes) -> _Rows:
    width = 0
    with source.open() as raw:
        _refuse_large(raw, source.name)
        for row, values in sheet_rows(raw, source.name):
            cells = [as_string(value) for value in values]
            width = width or len(cells)
            yield row, cells + [""] * (width - len(cells))  # rows end at their last filled cell


def _refuse_large(raw: Any, name: str) -> None:
    if not zipfile.is_zipfile(raw):
        return  # the reader tells what it is
    with zipfile.ZipFile(raw) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > _MOST_UNPACKED:
        raise DataError(f"unpacks to {size:,} bytes; save it as .csv, or use fenlei score", source=name)


def _jsonl(source: Source, notes: Notes) -> _Rows:
    """Lay objects out as rows: a column for each key of any."""
    columns = list(dict.fromkeys(key for _, one in _objects(source, notes) for key in one))
    yield 0, columns
    for row, one in _objects(source, notes):
        yield row, [_as_cell(one.get(column)) for column in columns]


def _objects(source: Source, notes: Notes) -> Iterator[tuple[int, dict[str, Any]]]:
    with open_text(source, None, notes, newline="\n") as text:
        for row, line in lines(text, source.name):
            if line.strip():
                yield row, parse_object(line, source.name, row)


def _as_cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_READERS: dict[str, Callable[[Source, Notes], _Rows]] = {".csv": _csv, ".tsv": _tsv, ".xlsx": _xlsx, ".jsonl": _jsonl}
