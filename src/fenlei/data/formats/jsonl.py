"""jsonl: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fenlei.data.columns import NO_LABEL, Columns, find_columns, label_among
from fenlei.data.dataset import Record
from fenlei.data.files import Notes, Source, lines, open_text
from fenlei.data.formats.options import Options
from fenlei.data.values import as_target, as_text
from fenlei.exceptions import DataError


def read_jsonl(source: Source, options: Options, notes: Notes) -> Iterator[Record]:
    """Stream the objects of a jsonl file; the first one decides which keys are text and label."""
    columns: Columns | None = None
    with open_text(source, options.encoding, notes, newline="\n") as text:
        for row, line in lines(text, source.name):
            if not line.strip():
                continue
            record = parse_object(line, source.name, row)
            if columns is None:
                columns = find_columns(list(record), text=options.text, label=options.label, source=source.name)
            yield _record(record, columns, options, source.name, row)


def parse_object(line: str, source: str, row: int) -> dict[str, Any]:
    """Read a line that is one JSON object."""
    try:
        value = json.loads(line)
    except RecursionError as error:
        raise DataError("not valid JSON: nested too deep", source=source, row=row) from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"not valid JSON: {error.msg}, column {error.colno}; each line must be one whole object",
            source=source,
            row=row,
        ) from error
    except ValueError as error:  # a number of more digits than Python turns into an int
        raise DataError("not valid JSON: a number of too many digits", source=source, row=row) from error
    if not isinstance(value, dict):
        raise DataError(f"each line must be one JSON object, not a {type(value).__name__}", source=source, row=row)
    return value


def _record(record: dict[str, Any], columns: Columns, options: Options, source: str, row: int) -> Record:
    if columns.text not in record:
        raise DataError(f"no key {columns.text!r}, which is the text in the rows above", source=source, row=row)
    text = as_text(record[columns.text], source=source, row=row)
    if columns.label is None:
        _refuse_late_label(record, options, source, row)
        return Record(row, text, None)
    value = record.get(columns.label)
    return Record(row, text, as_target(value, separator=options.separator, source=source, row=row))


def _refuse_late_label(record: dict[str, Any], options: Options, source: str, row: int) -> None:
    """Refuse a label in an unlabelled file: it would be lost without a word."""
    late = None if options.label == NO_LABEL else label_among(record)
    if late is not None:
        raise DataError(
            f"has a label ({late!r}) but the first row has none; label all rows, or none",
            source=source,
            row=row,
        )
