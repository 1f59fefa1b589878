"""Vectors as text, a row a line: word2vec and fastText with a line of sizes at the top, GloVe without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import BinaryIO

import numpy as np

from fenlei._threads import in_threads, n_threads
from fenlei.exceptions import DataError
from fenlei.features._types import F32, I64, U8
from fenlei.vectors.collector import Collector
from fenlei.vectors.word_vectors import WordVectors

LONGEST_LINE = 1 << 24
"""Bytes of a line; more is taken for a damaged file."""

_BLOCK = 1 << 24  # bytes read at a time
_LINES_LOOKED_AT = 100  # to find the number of dimensions where no first line tells it
_ROWS_WRITTEN = 1024
_CONTROLS = set(range(32)) - set(b"\t\n\r")  # bytes that text has not
_LONGEST_CHARACTER = 4  # bytes of UTF-8; the last may be cut


def sizes(line: bytes) -> tuple[int, int] | None:
    """Read a first line of two whole numbers, vectors and dimensions; None when it is something else.

    Examples
    --------
    >>> sizes(b"400000 100"), sizes(b"the 0.1"), sizes(b"the 0.1 0.2")
    ((400000, 100), None, None)
    """
    fields = line.split()
    if len(fields) != 2 or not all(field.isdigit() and len(field) < 19 for field in fields):
        return None
    return int(fields[0]), int(fields[1])


def looks_like_text(head: bytes, dim: int) -> bool:
    r"""Tell rows of text from those of word2vec's binary format, by the bytes behind the line of sizes.

    Examples
    --------
    >>> looks_like_text(b"the 0.1 0.2\n", 2), looks_like_text(b"the \xcd\xcc\xcc\x3d\x00", 2)
    (True, False)
    """
    fields = head.partition(b"\n")[0].split()
    if len(fields) > dim > 0 and all(map(_is_number, fields[-dim:])):
        return True
    whole_characters = head.decode("utf-8", "ignore").encode()
    return len(head) - len(whole_characters) < _LONGEST_CHARACTER and not set(head) & _CONTROLS


def read_text(
    stream: BinaryIO, source: str, *, header: tuple[int, int] | None, only: AbstractSet[str] | None = None
) -> WordVectors:
    """Read the rows from where `stream` stands, behind the `header` if there is one.

    Raises
    ------
    DataError
        Names the line that is wrong; or when there are not as many as the header says.
    """
    first = 1 if header is None else 2
    collector: Collector | None = None
    row = first
    for block in _blocks(stream, source):
        if collector is None:
            dim = header[1] if header else _guess_dim(block, source)
            collector = Collector(source, dim, only)
        row += _take_block(collector, np.frombuffer(block, np.uint8), row, strict=header is None)
    if collector is None:
        raise DataError("no vectors in it", source=source)
    if header and collector.n_seen != header[0]:
        raise DataError(
            f"the first line says {header[0]:,} vectors, there are {collector.n_seen:,}; get the whole file, "
            "or mend that line",
            source=source,
        )
    return collector.finish()


def write_text(vectors: WordVectors, stream: BinaryIO, *, header: bool) -> None:
    """Write a row a line, each number with the digits that give the same float32 back.

    Raises
    ------
    DataError
        When a token holds white space or a lone surrogate, which a line of text cannot.
    """
    check_writable(vectors.tokens, "a text file")
    if header:
        stream.write(f"{len(vectors)} {vectors.dim}\n".encode())
    form = " %.9g" * vectors.dim
    for begin in range(0, len(vectors), _ROWS_WRITTEN):
        rows = vectors.matrix[begin : begin + _ROWS_WRITTEN].tolist()
        tokens = vectors.tokens[begin : begin + _ROWS_WRITTEN]
        lines = [f"{token}{form % tuple(row)}\n" for token, row in zip(tokens, rows, strict=True)]
        stream.write("".join(lines).encode())


def is_writable(token: str) -> bool:
    r"""Whether every format can hold it: no white space, no lone surrogate, not empty.

    Examples
    --------
    >>> is_writable("好"), is_writable("New York"), is_writable("\ud800")
    (True, False, False)
    """
    return token.split() == [token] and not any("\ud800" <= letter <= "\udfff" for letter in token)


def check_writable(tokens: list[str], what: str) -> None:
    """Refuse tokens that would not come back from `what`."""
    for token in tokens:
        if not is_writable(token):
            raise DataError(f"the token {token!r} cannot stand in {what}; save as .safetensors, which takes any token")


def _blocks(stream: BinaryIO, source: str) -> Iterator[bytes]:
    """Give out whole lines, some megabytes at a time, each with a line end."""
    rest = b""
    while block := stream.read(_BLOCK):
        end = block.rfind(b"\n") + 1
        if end:
            yield rest + block[:end]
        rest = block[end:] if end else rest + block
        if len(rest) > LONGEST_LINE:
            raise DataError(f"a line is longer than {LONGEST_LINE:,} bytes; not a file of vectors", source=source)
    if rest:
        yield rest + b"\n"


def _take_block(collector: Collector, block: U8, row: int, *, strict: bool) -> int:
    """Hand the rows of a block to the collector; returns its number of lines."""
    from fenlei.vectors import _rows

    n_lines = _rows.count_lines(block)
    begins, token_ends, ends, states = _rows.find_rows(block, collector.dim, n_lines)
    short = np.flatnonzero(states == _rows.TOO_FEW)
    if len(short):
        line = bytes(block[begins[short[0]] : ends[short[0]]])
        raise _wrong_number(line.split()[1:], collector, row + int(short[0]))
    lines = np.flatnonzero(states == _rows.FINE)
    raw = block.tobytes()
    names = [raw[begin:end] for begin, end in zip(begins[lines].tolist(), token_ends[lines].tolist(), strict=True)]
    _check_names(names, lines, collector, row, strict=strict)
    kept = lines[collector.choose(names)]
    wrong = _parse(block, token_ends[kept], ends[kept], collector.room())
    if wrong >= 0:
        name = raw[begins[kept[wrong]] : token_ends[kept[wrong]]].decode("utf-8", "replace")
        raise DataError(
            f"the vector of {name!r} has something that is not a finite number",
            source=collector.source,
            row=row + int(kept[wrong]),
        )
    return n_lines


def _check_names(names: list[bytes], lines: I64, collector: Collector, row: int, *, strict: bool) -> None:
    """Refuse a token that ends in a number of its own: the line has too many."""
    for place, name in enumerate(names):
        if b" " not in name and b"\t" not in name:
            continue
        last = name.split()[-1]
        if _is_number(last) and (strict or not last.isdigit()):
            extra = [field for field in name.split()[1:] if _is_number(field)]
            raise _wrong_number([*extra, *[b""] * collector.dim], collector, row + int(lines[place]))


def _wrong_number(fields: list[bytes], collector: Collector, row: int) -> DataError:
    return DataError(f"has {len(fields):,} numbers, not {collector.dim:,}", source=collector.source, row=row)


def _parse(block: U8, begins: I64, ends: I64, out: F32) -> int:
    """Parse on all cores; returns the first row with something wrong, or -1."""
    from fenlei.vectors import _rows

    cuts = np.linspace(0, len(begins), n_threads() + 1).astype(int).tolist()
    parts = [(a, b) for a, b in pairwise(cuts) if a < b]

    def parse(part: tuple[int, int]) -> int:
        rows = slice(*part)
        return int(_rows.parse_rows(block, begins[rows], ends[rows], out[rows]))

    found = in_threads(parse, parts)
    return next((begin + wrong for (begin, _), wrong in zip(parts, found, strict=True) if wrong >= 0), -1)


def _guess_dim(block: bytes, source: str) -> int:
    """Take the number of numbers at the end that most of the first lines have."""
    counts: Counter[int] = Counter()
    for line in block[: 1 << 20].split(b"\n", _LINES_LOOKED_AT)[:_LINES_LOOKED_AT]:
        fields = line.split()
        n_words = next((len(fields) - i for i, field in enumerate(reversed(fields)) if not _is_number(field)), 1)
        if len(fields) > n_words:
            counts[len(fields) - n_words] += 1
    if not counts:
        raise DataError("no vectors in it: no line has a token and numbers", source=source, row=1)
    return counts.most_common(1)[0][0]


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
