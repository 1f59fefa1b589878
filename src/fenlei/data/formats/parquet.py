"""parquet, through pyarrow, in batches of rows."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any, BinaryIO

from fenlei._optional import require
from fenlei.data.columns import find_columns
from fenlei.data.dataset import Record
from fenlei.data.files import Notes, Source
from fenlei.data.formats.options import Options
from fenlei.data.values import as_target, as_text
from fenlei.exceptions import DataError

_BATCH = 4096  # rows; long texts at 10 kB each make that 40 MB
_UNLABELLED = object()


def read_parquet(source: Source, options: Options, notes: Notes) -> Iterator[Record]:
    """Stream the rows, counted from 1; a list column is multi-label; `notes` stays empty (no encoding)."""
    parquet = require("pyarrow.parquet", extra="parquet")
    with source.open() as raw:
        row = 0
        for texts, values in _batches(parquet, raw, options, source.name):
            for text, value in zip(texts, values, strict=True):
                row += 1
                target = None
                if value is not _UNLABELLED:
                    target = as_target(value, separator=options.separator, source=source.name, row=row)
                yield Record(row, as_text(text, source=source.name, row=row), target)


def _batches(
    parquet: ModuleType, raw: BinaryIO, options: Options, source: str
) -> Iterator[tuple[list[Any], list[Any]]]:
    """Texts and label values of a batch of rows, as Python objects."""
    try:
        file = parquet.ParquetFile(raw)
        columns = find_columns(file.schema_arrow.names, text=options.text, label=options.label, source=source)
        wanted = [name for name in columns if name is not None]
        for batch in file.iter_batches(batch_size=_BATCH, columns=wanted):
            texts = batch.column(columns.text).to_pylist()
            labels = [_UNLABELLED] * len(texts) if columns.label is None else batch.column(columns.label).to_pylist()
            yield texts, labels
    except DataError:
        raise
    except (
        OSError,
        ValueError,
        KeyError,
        NotImplementedError,
    ) as error:  # what pyarrow's own errors derive from
        raise DataError(f"not a parquet file, or a damaged one ({_first_line(error)})", source=source) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
