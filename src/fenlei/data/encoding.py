"""Which encoding a file is in: a strict ladder over the whole file, never a guess from its first bytes.

UTF-16 is taken only by its byte order mark. Everything else is tried as UTF-8, then as GB18030 (which
contains GBK and GB2312), strictly and to the last byte: a file is read right or not at all. Statistical
detectors are not used; they are wrong on many GBK files. Two things remain that strictness cannot see, and
both are looked for: Big5 is nearly always valid GB18030 (its characters then are rare ones, which draws a
warning), and so is a file that mixes lines of UTF-8 with lines of GBK (which is an error).
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO, NamedTuple

from fenlei.exceptions import DataError, SettingError

_BLOCK = 1 << 20  # bytes read at a time
_LONGEST_LINE = 10_000_000  # bytes of a line that are looked at together
# Share of odd characters that draws a warning. Measured: real GBK texts, simplified or traditional, have up
# to 0.012; Big5 read as GB18030 has 0.55 to 0.76.
_ODD_SHARE = 0.05
_NOT_FOR_FILES = {"idna", "punycode"}  # codecs of host names
_CLEARLY_CHINESE = 3  # Chinese characters of a line that make a chance match of UTF-8 all but impossible


@dataclass(frozen=True)
class Decoding:
    """The encoding of a file, and what the user should know about it.

    Attributes
    ----------
    encoding : str
        Python's name of the codec: ``"utf-8"``, ``"utf-8-sig"`` (with a byte order mark), ``"utf-16"``,
        ``"gb18030"``, or the one that was asked for.
    warnings : tuple of str
        A sentence when the file may really be in another encoding.
    """

    encoding: str
    warnings: tuple[str, ...] = ()


class _Failure(NamedTuple):
    """The first byte that an encoding cannot have."""

    offset: int
    row: int
    byte: int

    def __str__(self) -> str:
        return f"byte 0x{self.byte:02X} at offset {self.offset}"


def detect_encoding(stream: BinaryIO, *, source: str = "the file", encoding: str | None = None) -> Decoding:
    r"""Find the encoding of a seekable stream of bytes, reading all of it in blocks.

    Parameters
    ----------
    stream : binary file
        Rewound before and after.
    source : str
        Its name, for messages.
    encoding : str, optional
        Do not search; check that the whole stream is valid in this encoding.

    Returns
    -------
    Decoding

    Raises
    ------
    DataError
        When the bytes are valid in no encoding of the ladder, or mix two; names the byte and its line.
    SettingError
        When Python knows no text encoding of that name.

    Examples
    --------
    >>> import io
    >>> detect_encoding(io.BytesIO("很好".encode("gbk"))).encoding
    'gb18030'
    >>> detect_encoding(io.BytesIO(b"a\xff"), source="a.csv")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    fenlei.exceptions.DataError: a.csv, row 1: neither UTF-8 nor GB18030 (byte 0xFF at offset 1); ...
    """
    stream.seek(0)
    try:
        if encoding is not None:
            return _forced(stream, known_encoding(encoding), source)
        return _ladder(stream, source)
    finally:
        stream.seek(0)


def known_encoding(name: str) -> str:
    """Return Python's name of a text encoding, or refuse it.

    Examples
    --------
    >>> known_encoding("GBK"), known_encoding("UTF8")
    ('gbk', 'utf-8')
    """
    try:
        "".encode(name)
        codecs.getincrementaldecoder(name)
        if (known := codecs.lookup(name).name) not in _NOT_FOR_FILES:
            return known
        raise LookupError(name)
    except (LookupError, ValueError, TypeError) as error:
        raise SettingError(
            f"unknown encoding {name!r}; use a name such as utf-8, gb18030, gbk, big5, utf-16 or cp1252"
        ) from error


def _forced(stream: BinaryIO, encoding: str, source: str) -> Decoding:
    failure = _scan(stream, encoding)
    if failure:
        raise DataError(f"not valid {encoding} ({failure})", source=source, row=failure.row)
    return Decoding(encoding)


def _ladder(stream: BinaryIO, source: str) -> Decoding:
    mark = stream.read(3)
    if mark[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return _forced(stream, "utf-16", source)
    utf8 = _scan(stream, "utf-8")
    if utf8 is None:
        return Decoding("utf-8-sig" if mark == codecs.BOM_UTF8 else "utf-8")
    _refuse_mixture(stream, utf8, source)
    counts: Counter[str] = Counter()
    gb18030 = _scan(stream, "gb18030", counts.update)
    if gb18030 is None:
        return Decoding("gb18030", _odd_warning(counts))
    raise DataError(
        f"neither UTF-8 nor GB18030 ({gb18030}); name the encoding with --encoding, "
        "for example --encoding big5 or cp1252",
        source=source,
        row=gb18030.row,
    )


def _scan(stream: BinaryIO, encoding: str, look: Callable[[str], None] | None = None) -> _Failure | None:
    """Decode all of `stream` strictly; show the text to `look`; return the first failure."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    read, lines = 0, 0
    while True:
        block = stream.read(_BLOCK)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            whole: bytes = error.object  # what the decoder had kept, and this block
            good = whole[: error.start].decode(encoding, "replace")
            offset = read - (len(whole) - len(block)) + error.start
            return _Failure(offset, lines + good.count("\n") + 1, whole[error.start])
        except UnicodeError:  # utf-16 without its mark, idna: no position is told
            return _Failure(read, lines + 1, block[0] if block else 0)
        if look is not None:
            look(text)
        lines += text.count("\n")
        read += len(block)
        if not block:
            return None


def _refuse_mixture(stream: BinaryIO, failure: _Failure, source: str) -> None:
    """Raise when a file that is not UTF-8 has a line that clearly is.

    Most UTF-8 lines are also valid GB18030 and would come out as nonsense, so this has to be looked for.
    """
    stream.seek(0)
    row = 0
    while line := stream.readline(_LONGEST_LINE):
        row += 1
        if not line.isascii() and _clearly_utf8(line):
            raise DataError(
                f"mixed encodings: row {row} is UTF-8 but this one is not ({failure}); "
                "convert the file to one encoding",
                source=source,
                row=failure.row,
            )


def _clearly_utf8(line: bytes) -> bool:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return sum("\u3000" <= character <= "\u9fff" for character in text) >= _CLEARLY_CHINESE


def _odd_warning(counts: Counter[str]) -> tuple[str, ...]:
    """Warn when the characters are not those that Chinese texts are made of."""
    chinese = {character: n for character, n in counts.items() if character >= "\u3400"}
    odd = sum(n for character, n in chinese.items() if _is_odd(character))
    total = sum(chinese.values())
    if odd <= _ODD_SHARE * total:
        return ()
    return (
        f"read as gb18030, but {odd} of {total} Chinese characters are rare or private-use ones; "
        "if the texts look wrong, name the encoding: --encoding big5 (or cp1252 for Western text)",
    )


def _is_odd(character: str) -> bool:
    ideograph = "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"
    return "\ue000" <= character <= "\uf8ff" or (ideograph and character not in _common_ideographs())


@cache
def _common_ideographs() -> frozenset[str]:
    """GB2312's 6,763 characters, and Big5's 5,401 frequent ones: traditional text in GBK is not odd."""
    gb2312 = (bytes([lead, trail]) for lead in range(0xB0, 0xF8) for trail in range(0xA1, 0xFF))
    trails = [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
    big5 = (bytes([lead, trail]) for lead in range(0xA4, 0xC7) for trail in trails)
    return frozenset(
        "".join(pair.decode("gb2312", "ignore") for pair in gb2312)
        + "".join(pair.decode("big5", "ignore") for pair in big5)
    )
