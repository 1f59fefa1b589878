"""xlsx: the first sheet of a workbook, streamed by openpyxl; formulas give the value stored with them."""

from __future__ import annotations

import datetime
import itertools
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from fenlei._optional import require
from fenlei.data.columns import find_columns
from fenlei.data.dataset import Record
from fenlei.data.files import Notes, Source
from fenlei.data.formats.delimited import refuse_unsplit
from fenlei.data.formats.options import Options
from fenlei.data.values import as_target
from fenlei.exceptions import DataError

_LARGEST = 1 << 30  # bytes a workbook may unpack to; more is a zip bomb, or a job for csv
_LAST_ROW = 1_048_576  # of any sheet that Excel can show
_BATCH = 1000  # rows asked from openpyxl at a time


def read_xlsx(source: Source, options: Options, notes: Notes) -> Iterator[Record]:
    """Stream the rows below the header, which is the first row that is not empty; empty rows are skipped.

    `notes` stays empty: the encoding is the workbook's own affair.
    """
    with source.open() as raw:
        rows = ((row, cells) for row, cells in sheet_rows(raw, source.name) if any(cell is not None for cell in cells))
        _, header = next(rows, (0, ()))
        if not header:
            raise DataError("the first sheet is empty", source=source.name)
        names = [as_string(cell) for cell in header]
        columns = find_columns(names, text=options.text, label=options.label, source=source.name)
        refuse_unsplit(columns, options, source.name)
        text_at = names.index(columns.text)
        label_at = None if columns.label is None else names.index(columns.label)
        for row, cells in rows:
            target = None
            if label_at is not None:
                label = as_string(_cell(cells, label_at))
                target = as_target(label, separator=options.separator, source=source.name, row=row)
            yield Record(row, as_string(_cell(cells, text_at)), target)


def as_string(value: Any) -> str:
    """Write a cell the way a person reads it.

    Examples
    --------
    >>> as_string(1.0), as_string(1.5), as_string(None), as_string(datetime.datetime(2024, 5, 1))
    ('1', '1.5', '', '2024-05-01')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _cell(cells: Sequence[Any], index: int) -> Any:
    return cells[index] if index < len(cells) else None  # rows end at their last filled cell


def sheet_rows(raw: BinaryIO, source: str) -> Iterator[tuple[int, Sequence[Any]]]:
    """Give the numbered rows of a workbook's first sheet, empty ones too; rows end at their last filled cell."""
    openpyxl = require("openpyxl", extra="all")
    _refuse_bomb(raw, source)
    workbook = _guarded(lambda: openpyxl.load_workbook(raw, read_only=True, data_only=True), source)
    try:
        if not workbook.worksheets:
            raise DataError("the workbook has no sheet of cells", source=source)
        sheet = workbook.worksheets[0]
        sheet.reset_dimensions()  # some programs write wrong ones, and cells outside would be lost
        values = _guarded(lambda: iter(sheet.iter_rows(values_only=True)), source)
        row = 0
        while batch := _guarded(lambda: list(itertools.islice(values, _BATCH)), source):
            for cells in batch:
                row += 1
                if row > _LAST_ROW:
                    raise DataError(f"more than {_LAST_ROW:,} rows; a damaged workbook", source=source)
                yield row, cells
    finally:
        workbook.close()


def _refuse_bomb(raw: BinaryIO, source: str) -> None:
    try:
        with zipfile.ZipFile(raw) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as error:
        raise DataError(
            "not an .xlsx workbook, or a damaged, old (.xls) or password-protected one; save it as .xlsx or .csv",
            source=source,
        ) from error
    if size > _LARGEST:
        raise DataError(
            f"unpacks to {size:,} bytes, more than the {_LARGEST:,} allowed; save it as .csv", source=source
        )


def _guarded(step: Any, source: str) -> Any:
    """Run a step of openpyxl; its warnings are about styles, its errors on damaged files of any type."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return step()
    except MemoryError:
        raise
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "")[:200]
        raise DataError(f"the workbook is damaged ({type(error).__name__}: {reason})", source=source) from error
