"""parquet, through pyarrow, in batches of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fenlei._optional import require
from fenlei.data.columns import find_columns
from fenlei.data.dataset import Record
from fenlei.data.files import Notes, Source
from fenlei.data.formats.options import Options
from fenlei.data.values import as_target, as_text
from fenlei.exceptions import DataError

_BATCH = 4096  # rows; long texts at 10 kB each make that 40 MB


def read_parquet(source: Source, options: Options, notes: Notes) -> Iterator[Record]:  # noqa: ARG001  (no encoding)
    """Stream the rows, counted from 1; a list column is multi-label."""
    parquet = require("pyarrow.parquet", extra="parquet")
    with source.open() as raw:
        names, batches = _open(parquet, raw, source.name)
        columns = find_columns(names, text=options.text, label=options.label, source=source.name)
        row = 0
        for batch in _batches(batches, source.name):
            texts = batch[columns.text]
            values = [None] * len(texts) if columns.label is None else batch[columns.label]
            for text, value in zip(texts, values, strict=True):
                row += 1
                target = None
                if columns.label is not None:
                    target = as_target(value, separator=options.separator, source=source.name, row=row)
                yield Record(row, as_text(text, source=source.name, row=row), target)
