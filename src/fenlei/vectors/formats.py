"""Read and write files of word vectors; which format a file is in is found by what is in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from fenlei._atomic import atomic_file
from fenlei.data.files import Source, is_packed
from fenlei.exceptions import DataError, UnknownNameError
from fenlei.vectors import binary_format, fasttext_format, own_format, text_format
from fenlei.vectors.word_vectors import WordVectors

_HEAD = 1 << 16  # bytes that a format is told from
_PACKED = b"\x1f\x8b"
_LARGEST = 1 << 40  # bytes, of a file whose size is not known
_MARK = b"\xef\xbb\xbf"  # byte order mark of UTF-8
_NOT_VECTORS = {
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\x80": "a pickle, as gensim's save() writes it; pickles can run code and are not read, so let gensim write it "
    "with save_word2vec_format",
    b"BZh": "compressed with bzip2; unpack it first",
    b"\xfd7zX": "compressed with xz; unpack it first",
}
_WRITERS: dict[str, Callable[[WordVectors, BinaryIO], None]] = {
    "safetensors": own_format.write_own,
    "word2vec": partial(text_format.write_text, header=True),
    "word2vec-binary": binary_format.write_binary,
    "glove": partial(text_format.write_text, header=False),
}
_SUFFIXES = {".safetensors": "safetensors", ".vec": "word2vec", ".txt": "word2vec", ".bin": "word2vec-binary"}


def load_vectors(path: str | os.PathLike[str], *, only: AbstractSet[str] | None = None) -> WordVectors:
    r"""Read word vectors, whoever wrote them.

    Parameters
    ----------
    path : str or path
        A ``.safetensors`` of `save_vectors`; text or binary of word2vec and gensim; text of GloVe or fastText
        (``.vec``); each of these also packed with gzip; a model of fastText (``.bin``). The name does not matter.
    only : set of str, optional
        Keep these tokens and their lower-case forms, in memory that does not grow with the file. Vectors of other
        tokens are then composed of n-grams, where the file has such, and the n-grams forgotten.

    Returns
    -------
    WordVectors
        With `warnings` about repeated tokens and such that are not UTF-8.

    Raises
    ------
    DataError
        Names the line, or the token, that is wrong.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp(), "glove.txt")
    >>> _ = file.write_text("好 1 0.5\n差 -1 0\n", encoding="utf-8")
    >>> load_vectors(file).tokens, load_vectors(file, only={"差"}).matrix.tolist()
    (['好', '差'], [[-1.0, 0.0]])
    """
    file = _existing(path)
    source = Source(str(file), path=file)
    with source.open() as stream:
        head = stream.read(_HEAD)
    if head.startswith(fasttext_format.MARK):
        return fasttext_format.read_fasttext_model(file, only=only)
    if own_format.is_own(head, file.stat().st_size):
        return own_format.read_own(file, only=only)
    for mark, what in _NOT_VECTORS.items():
        if head.startswith(mark):
            raise DataError(f"no word vectors: this is {what}", source=source.name)
    packed = head.startswith(_PACKED)
    if packed:
        _check_packed(Source(source.name, path=file, packed=True))
    return _read_rows(Source(source.name, path=file, packed=packed), only)


def _check_packed(source: Source) -> None:
    """Refuse formats whose parts are looked up where they lie in the file."""
    with source.open() as stream:
        head = stream.read(_HEAD)
    what = "a model of fastText" if head.startswith(fasttext_format.MARK) else ""
    what = "a file of safetensors" if own_format.is_own(head, _LARGEST) else what
    if what:
        raise DataError(f"{what}, packed with gzip; unpack it first", source=source.name)


def save_vectors(vectors: WordVectors, path: str | os.PathLike[str], *, format: str | None = None) -> Path:  # noqa: A002
    """Write word vectors; the file is there when all of it is written.

    Parameters
    ----------
    vectors : WordVectors
    path : str or path
        Unless `format` is given, the suffix tells it: ``.safetensors``, ``.vec`` or ``.txt`` (text of word2vec and
        fastText), ``.bin`` (binary of word2vec). All but the first also with ``.gz``.
    format : {"safetensors", "word2vec", "word2vec-binary", "glove"}, optional
        Only safetensors keeps `info` and `subwords`, and tokens with white space.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    DataError
        When the suffix is unknown, the folder missing, or the format cannot hold a token.

    Examples
    --------
    >>> import tempfile
    >>> vectors = WordVectors(["好", "差"], [[1, 0.5], [-1, 0]], info={"method": "by hand"})
    >>> load_vectors(save_vectors(vectors, tempfile.mkdtemp() + "/v.safetensors")).info
    {'method': 'by hand'}
    """
    file = check_target(path, format)
    write = _WRITERS[format or _format_of(file)]
    with ExitStack() as stack:
        stream = stack.enter_context(atomic_file(file))
        write(vectors, _packing(stack, stream) if is_packed(file) else stream)
    return file


def check_target(path: str | os.PathLike[str], format: str | None = None) -> Path:  # noqa: A002
    """Refuse a place that `save_vectors` cannot write to, before long work."""
    file = Path(path)
    if format is not None and format not in _WRITERS:
        raise UnknownNameError("format", format, _WRITERS)
    if (format or _format_of(file)) == "safetensors" and is_packed(file):
        raise DataError("safetensors are not packed; leave out .gz", source=str(path))
    if not file.parent.is_dir():
        raise DataError("its folder does not exist", source=str(path))
    if _is_there(file) and file.is_dir():
        raise DataError("is a folder", source=str(path))
    return file


def _format_of(file: Path) -> str:
    suffix = Path(str(file)[:-3] if is_packed(file) else file).suffix.lower()
    if suffix not in _SUFFIXES:
        raise DataError(
            f"unknown suffix {suffix!r} for word vectors; name the file *.safetensors, *.vec, *.txt or *.bin",
            source=str(file),
        )
    return _SUFFIXES[suffix]


def _packing(stack: ExitStack, stream: BinaryIO) -> BinaryIO:
    """Pack what is written, without name and time, so that the same vectors give the same file."""
    import gzip

    return cast("BinaryIO", stack.enter_context(gzip.GzipFile("", "wb", fileobj=stream, mtime=0)))


def _existing(path: str | os.PathLike[str]) -> Path:
    file = Path(path)
    if not _is_there(file):
        raise DataError("no such file", source=str(path))
    if not file.is_file():
        raise DataError("is a folder or a device, not a file of word vectors", source=str(path))
    if not file.stat().st_size:
        raise DataError("is empty", source=str(path))
    return file


def _is_there(file: Path) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # too long a name, a NUL in it
        raise DataError(f"not a usable file name: {error}", source=ascii(str(file))[:80]) from error
    return True


class _Start(NamedTuple):
    """How a file of rows begins."""

    header: tuple[int, int] | None
    length: int  # bytes before the first row
    is_text: bool


def _read_rows(source: Source, only: AbstractSet[str] | None) -> WordVectors:
    with source.open() as stream:
        start = _start(stream.read(_HEAD))
    with source.open() as stream:
        stream.read(start.length)
        if start.header is not None and not start.is_text:
            return binary_format.read_binary(stream, source.name, header=start.header, only=only)
        return text_format.read_text(stream, source.name, header=start.header, only=only)


def _start(head: bytes) -> _Start:
    marked = len(_MARK) if head.startswith(_MARK) else 0
    line, end, rest = head[marked:].partition(b"\n")
    header = text_format.sizes(line)
    if header is None:
        return _Start(None, marked, is_text=True)
    return _Start(header, marked + len(line) + len(end), text_format.looks_like_text(rest, header[1]))
