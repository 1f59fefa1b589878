"""A folder per class: the name of the subfolder is the label, each file in it one text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fenlei.data.columns import NO_LABEL
from fenlei.data.dataset import Record
from fenlei.data.files import LONGEST_FIELD, Notes, Source, is_packed, open_text
from fenlei.data.formats.options import Options
from fenlei.exceptions import DataError


def read_folder(root: Path, options: Options, notes: Notes) -> Iterator[Record]:
    """Stream the files of all class folders, sorted, numbered from 1; hidden ones are skipped."""
    classes = [entry for entry in _entries(root) if entry.is_dir()]
    if not classes:
        raise DataError(
            "a folder of texts has one subfolder per class, and this one has none; "
            "name a file, or put the texts into subfolders",
            source=str(root),
        )
    loose = len(_entries(root)) - len(classes)
    if loose:
        notes.warn(f"{loose} file(s) beside the class folders of {root} were not read")
    row = 0
    for folder in classes:
        for file in _entries(folder):
            row += 1
            target = None if options.label == NO_LABEL else folder.name
            yield Record(row, _read(file, options, notes), target)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", source=str(folder)) from error


def _read(file: Path, options: Options, notes: Notes) -> str:
    if file.is_dir():
        raise DataError(
            f"a folder inside the class folder {file.parent.name!r}; texts lie directly in the class folder "
            f"(did you mean {file.parent}?)",
            source=str(file),
        )
    with open_text(Source(str(file), path=file, packed=is_packed(file)), options.encoding, notes, newline="") as text:
        content = text.read(LONGEST_FIELD + 1)
    if len(content) > LONGEST_FIELD:
        raise DataError(f"the text is longer than {LONGEST_FIELD:,} characters", source=str(file))
    return content
