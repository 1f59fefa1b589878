"""Open what the user named, a file, a gzip file or standard input, so that it can be read twice.

Twice, because the encoding is settled over the whole file before the first row is given out. Standard input
and named pipes can be read only once, so they are copied to a temporary file first.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from fenlei.data.encoding import detect_encoding
from fenlei.exceptions import DataError

STANDARD_INPUT = "-"
LONGEST_FIELD = 10_000_000
"""Characters that one line or one field may have; more is taken for a damaged file."""

_BINARY_FILES = {
    b"PK\x03\x04": "a zip file or an Excel workbook; if it is a workbook, use format=xlsx",
    b"PAR1": "a parquet file; use format=parquet",
    b"\x1f\x8b": "compressed with gzip; give its name the suffix .gz",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word document; save it as .xlsx or .csv",
    b"%PDF": "a PDF; export its text first",
    b"\x89PNG": "a picture",
    b"BZh": "compressed with bzip2; unpack it first",
    b"\xfd7zX": "compressed with xz; unpack it first",
    b"(\xb5/\xfd": "compressed with zstandard; unpack it first",
}


@dataclass
class Notes:
    """What a reader finds out besides the rows.

    Attributes
    ----------
    encodings : dict of str to None
        Encodings met, in order (a dict keeps the order and drops repeats).
    warnings : dict of str to None
        What the user should see, one sentence each, in order.
    message : callable
        Told each warning once, when it is found.
    """

    encodings: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    message: Callable[[str], None] = lambda warning: None

    def warn(self, warning: str) -> None:
        """Take down a warning, and tell it if it is new."""
        if warning not in self.warnings:
            self.warnings[warning] = None
            self.message(warning)


@dataclass(frozen=True)
class Source:
    """Bytes with a name.

    Attributes
    ----------
    name : str
        For messages.
    path : Path or None
        None when the bytes are in `spool`.
    spool : binary file or None
        Temporary copy of standard input or of a named pipe.
    packed : bool
        Whether the bytes are to be unpacked with gzip.
    """

    name: str
    path: Path | None = None
    spool: BinaryIO | None = None
    packed: bool = False

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the (unpacked) bytes from their start.

        Raises
        ------
        DataError
            Also for what goes wrong while the caller reads.
        """
        try:
            with ExitStack() as stack:
                raw = self._raw(stack)
                yield cast("BinaryIO", stack.enter_context(gzip.open(raw))) if self.packed else raw
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError("not a gzip file, or a damaged or truncated one", source=self.name) from error
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", source=self.name) from error

    def _raw(self, stack: ExitStack) -> BinaryIO:
        if self.path is not None:
            return stack.enter_context(self.path.open("rb"))
        spool = cast("BinaryIO", self.spool)
        spool.seek(0)
        return spool


@contextmanager
def open_source(name: str, *, packed: bool) -> Iterator[Source]:
    """Make a path or ``"-"`` readable more than once; a temporary copy is removed at the end."""
    if name != STANDARD_INPUT and (Path(name).is_file() or not Path(name).exists()):
        yield Source(name, path=Path(name), packed=packed)
        return
    label = "standard input" if name == STANDARD_INPUT else name
    with tempfile.TemporaryFile() as spool:
        try:
            _copy(name, spool)
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", source=label) from error
        yield Source(label, spool=cast("BinaryIO", spool), packed=packed)


def _copy(name: str, spool: object) -> None:
    target = cast("BinaryIO", spool)
    if name == STANDARD_INPUT:
        shutil.copyfileobj(sys.stdin.buffer, target)
        return
    with Path(name).open("rb") as pipe:
        shutil.copyfileobj(pipe, target)


@contextmanager
def open_text(source: Source, encoding: str | None, notes: Notes, *, newline: str) -> Iterator[TextIO]:
    r"""Open `source` as text in `encoding`, or in the one the ladder finds; both are written down in `notes`.

    Parameters
    ----------
    newline : str
        As in :class:`io.TextIOWrapper`: ``""`` for the csv module, ``"\n"`` for lines.
    """
    with source.open() as raw:
        if encoding is None:
            _refuse_binary(raw, source.name)
        decoding = detect_encoding(raw, source=source.name, encoding=encoding)
    notes.encodings[decoding.encoding] = None
    for warning in decoding.warnings:
        notes.warn(f"{source.name}: {warning}")
    with source.open() as raw:
        text = io.TextIOWrapper(raw, encoding=decoding.encoding, newline=newline)
        try:
            yield text
        except UnicodeError as error:
            raise DataError(
                f"changed while it was read, or not valid {decoding.encoding}", source=source.name
            ) from error
        finally:
            text.detach()  # the binary file is closed by its own context, a spool not at all


def lines(text: TextIO, source: str) -> Iterator[tuple[int, str]]:
    r"""Give out the lines, numbered from 1, without their line ends (``\n`` or ``\r\n``).

    Raises
    ------
    DataError
        When a line is longer than :data:`LONGEST_FIELD`.
    """
    row = 0
    while line := text.readline(LONGEST_FIELD):
        row += 1
        if len(line) == LONGEST_FIELD and not line.endswith("\n"):
            raise DataError(f"the line is longer than {LONGEST_FIELD:,} characters", source=source, row=row)
        yield row, line.removesuffix("\n").removesuffix("\r")


def _refuse_binary(raw: BinaryIO, source: str) -> None:
    head = raw.read(8)
    for mark, what in _BINARY_FILES.items():
        if head.startswith(mark):
            raise DataError(f"not a text file: this is {what}", source=source)


def is_packed(name: str | os.PathLike[str]) -> bool:
    """Whether the name ends in ``.gz``."""
    return os.fspath(name).lower().endswith(".gz")
