"""Read labelled or unlabelled texts from a file, a folder, standard input or a named public set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

from fenlei.data.columns import NO_LABEL
from fenlei.data.dataset import Dataset, Record, Target
from fenlei.data.files import STANDARD_INPUT, Notes, Source, is_packed, open_source
from fenlei.data.formats.delimited import read_csv, read_tsv
from fenlei.data.formats.folder import read_folder
from fenlei.data.formats.jsonl import read_jsonl
from fenlei.data.formats.options import Options
from fenlei.data.formats.parquet import read_parquet
from fenlei.data.formats.plain import read_fasttext, read_lines, sniff_lines
from fenlei.data.formats.xlsx import read_xlsx
from fenlei.exceptions import DataError, SettingError, UnknownNameError

PUBLIC_PREFIX = "name:"
FilePath: TypeAlias = "str | os.PathLike[str]"


class _Format(NamedTuple):
    suffixes: tuple[str, ...]
    takes: frozenset[str]  # names of the options that mean something
    read: Callable[[Source, Options, Notes], Iterator[Record]]
    packable: bool = True


_COLUMNS = frozenset({"text", "label", "separator", "encoding"})
_LINES = frozenset({"encoding"})
_FORMATS = {
    "csv": _Format((".csv",), _COLUMNS | {"delimiter"}, read_csv),
    "tsv": _Format((".tsv", ".tab"), _COLUMNS | {"delimiter"}, read_tsv),
    "jsonl": _Format((".jsonl", ".ndjson", ".json"), _COLUMNS, read_jsonl),
    "fasttext": _Format((".ft", ".fasttext"), _LINES | {"separator"}, read_fasttext),
    "txt": _Format((".txt",), _LINES, read_lines),
    "parquet": _Format((".parquet",), _COLUMNS - {"encoding"}, read_parquet, packable=False),
    "xlsx": _Format((".xlsx", ".xlsm"), _COLUMNS - {"encoding"}, read_xlsx, packable=False),
}
_FOLDER = "folder"
_SUFFIXES = {suffix: name for name, known in _FORMATS.items() for suffix in known.suffixes}


def read(
    path: FilePath,
    *,
    text: str | None = None,
    label: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    format: str | None = None,  # noqa: A002  (the word users look for)
    delimiter: str | None = None,
) -> Dataset:
    r"""Read a whole set of texts, with their labels if there are any.

    Parameters
    ----------
    path : str or path
        A file (csv, tsv, jsonl, parquet, xlsx, fastText ``.ft``, txt; the text ones also with ``.gz``), a
        folder with one subfolder per class, ``"-"`` for standard input, or ``"name:SET"`` /
        ``"name:SET/SPLIT"`` for a public set.
    text, label : str, optional
        Names of the columns; by default found by name (see :mod:`fenlei.data.columns`). ``label=""``
        ignores labels.
    separator : str, optional
        Splits a label string into several labels (multi-label), for example ``"|"``.
    encoding : str, optional
        By default found by :func:`fenlei.data.encoding.detect_encoding`.
    format : str, optional
        Overrules the suffix: csv, tsv, jsonl, fasttext, txt, parquet, xlsx, folder. A ``.txt`` whose first
        line starts with ``__label__`` is fastText; standard input is fastText by that rule, jsonl if it
        starts with ``{``, else txt.
    delimiter : str, optional
        Between the fields of csv (default a comma) and tsv (default a tab).

    Returns
    -------
    Dataset
        When any row has a list of labels, every row has one.

    Raises
    ------
    DataError
        The file is missing, empty, damaged, or a row of it is wrong; says where.
    SettingError, UnknownNameError
        An argument is wrong or means nothing for the format.
    MissingExtraError, UnavailableError
        A package or a public set is not at hand.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp(), "reviews.csv")
    >>> _ = file.write_text("评论,标签\n很好,01\n差,NA\n", encoding="gb18030")
    >>> data = read(file)
    >>> data.texts, data.targets, data.encoding
    (['很好', '差'], ['01', 'NA'], 'gb18030')
    """
    options = Options(text, label, separator, encoding, delimiter)
    if _is_public(path):
        return _public(str(path), options, format)
    notes = Notes()
    return _dataset(_records(path, options, format, notes), os.fspath(path), notes)


def stream(
    path: FilePath,
    *,
    text: str | None = None,
    label: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    format: str | None = None,  # noqa: A002
    delimiter: str | None = None,
    notes: Notes | None = None,
    strict: bool = True,
) -> Iterator[Record]:
    r"""Give out the rows one at a time, in memory that does not grow with the file.

    Wrong arguments and a missing file are told at once; what is wrong inside the file when it is met. A row has a
    string for a single label and a list where it has several, so a multi-label file of fastText lines gives both;
    :func:`read` makes them all lists.

    Parameters
    ----------
    path, text, label, separator, encoding, format, delimiter
        Those of :func:`read`.
    notes : Notes, optional
        Takes down what the reader finds out besides the rows, such as a doubtful encoding, while they are read.
    strict : bool, default=True
        Refuse what means nothing for the format; else it is left out, as where one description is of several files.

    Yields
    ------
    Record
        ``row``, ``text``, ``target``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp(), "reviews.txt")
    >>> _ = file.write_text("__label__good very good\n")
    >>> next(stream(file))
    Record(row=1, text='very good', target='good')
    """
    options = Options(text, label, separator, encoding, delimiter)
    notes = notes or Notes()
    if _is_public(path):
        return _rows_of(_public(str(path), options if strict else options.only(frozenset()), format), notes)
    return _records(path, options, format, notes, strict=strict)


def check_source(path: FilePath, *, format: str | None = None, **options: str | None) -> None:  # noqa: A002
    """Refuse a missing file and wrong arguments before long work, as :func:`read` does, without opening the file.

    Parameters
    ----------
    path, format, **options
        Those of :func:`read`. A public set is not looked for.

    Examples
    --------
    >>> check_source("reviews.csv")
    Traceback (most recent call last):
    fenlei.exceptions.DataError: reviews.csv: no such file or folder
    """
    if not _is_public(path):
        _records(path, Options(**options), format, Notes())


def _records(
    path: FilePath, options: Options, format_name: str | None, notes: Notes, *, strict: bool = True
) -> Iterator[Record]:
    name = os.fspath(path)
    if not isinstance(name, str):
        raise SettingError(f"a path is a string or a pathlib.Path, not {type(name).__name__}")
    chosen = _choose_format(name, format_name)
    if chosen == _FOLDER:
        options = _checked(options, _FOLDER, _LINES, strict=strict)
        return _never_empty(read_folder(Path(name), options, notes), name)
    if chosen is not None:
        options = _checked(options, chosen, _FORMATS[chosen].takes, strict=strict)
    return _never_empty(_file_records(name, chosen, options, notes, strict=strict), name)


def _checked(options: Options, format_name: str, takes: frozenset[str], *, strict: bool) -> Options:
    fitting = options if strict else options.only(takes)
    fitting.check(format_name, takes)
    return fitting


def _file_records(name: str, chosen: str | None, options: Options, notes: Notes, *, strict: bool) -> Iterator[Record]:
    with ExitStack() as stack:
        source = stack.enter_context(open_source(name, packed=is_packed(name)))
        if chosen is None:
            chosen = sniff_lines(source)
            options = _checked(options, chosen, _FORMATS[chosen].takes, strict=strict)
        if source.packed and not _FORMATS[chosen].packable:
            raise DataError(f"{chosen} is compressed by itself; unpack the .gz first", source=source.name)
        yield from _FORMATS[chosen].read(source, options, notes)


def _choose_format(name: str, asked: str | None) -> str | None:
    """Return the format by the user's word or the suffix; None when the first line has to decide."""
    if asked is not None and asked not in _FORMATS and asked != _FOLDER:
        raise UnknownNameError("format", str(asked), [*_FORMATS, _FOLDER])
    if name == STANDARD_INPUT:
        if asked == _FOLDER:
            raise SettingError("standard input is not a folder")
        return asked
    _refuse_missing(name, asked)
    if Path(name).is_dir():
        return _FOLDER
    if asked is not None:
        return asked
    suffix = Path(name[:-3] if is_packed(name) else name).suffix.lower()
    if suffix == ".txt":
        return None
    if suffix not in _SUFFIXES:
        raise DataError(
            f"unknown suffix {suffix!r}; known: {', '.join(sorted(_SUFFIXES))} (text formats also with .gz); "
            f"or name the format with --format: {', '.join(sorted(_FORMATS))}",
            source=name,
        )
    return _SUFFIXES[suffix]


def _refuse_missing(name: str, asked: str | None) -> None:
    try:
        exists, folder = Path(name).exists(), Path(name).is_dir()
    except (OSError, ValueError) as error:  # too long a name, a NUL in it
        raise DataError(f"not a usable file name: {error}", source=ascii(name)[:80]) from error
    if not exists:
        raise DataError("no such file or folder", source=name)
    if folder and asked not in {None, _FOLDER}:
        raise DataError(f"is a folder, not a file of format {asked}", source=name)
    if not folder and asked == _FOLDER:
        raise DataError("is a file, not a folder", source=name)


def _never_empty(records: Iterator[Record], name: str) -> Iterator[Record]:
    count = 0
    for count, record in enumerate(records, 1):  # noqa: B007  (asked for after the loop)
        yield record
    if not count:
        raise DataError("no texts in it", source="standard input" if name == STANDARD_INPUT else name)


def _dataset(records: Iterator[Record], source: str, notes: Notes) -> Dataset:
    texts: list[str] = []
    targets: list[Target | None] = []
    rows: list[int] = []
    for row, text, target in records:
        texts.append(text)
        targets.append(target)
        rows.append(row)
    return Dataset(
        texts=texts,
        targets=_uniform(targets),
        rows=rows,
        source="standard input" if source == STANDARD_INPUT else source,
        encoding=", ".join(notes.encodings),
        warnings=tuple(notes.warnings),
    )


def _uniform(targets: list[Target | None]) -> list[str] | list[list[str]] | None:
    """All strings, or, when any row has a list, all lists; None for an unlabelled file."""
    if targets[0] is None:
        return None
    if any(isinstance(target, list) for target in targets):
        return [target if isinstance(target, list) else [str(target)] for target in targets]
    return [str(target) for target in targets]


def _is_public(path: FilePath) -> bool:
    return isinstance(path, str) and path.startswith(PUBLIC_PREFIX)


def _public(path: str, options: Options, format_name: str | None) -> Dataset:
    from fenlei.data.public import load_public

    options.check("public set", frozenset())
    if format_name is not None:
        raise SettingError("format means nothing for a public set")
    name, _, split = path.removeprefix(PUBLIC_PREFIX).partition("/")
    data = load_public(name, split or "train")
    return replace(data, targets=None) if options.label == NO_LABEL else data


def _rows_of(data: Dataset, notes: Notes) -> Iterator[Record]:
    for warning in data.warnings:
        notes.warn(warning)
    targets: list[Target | None] = [None] * len(data) if data.targets is None else list(data.targets)
    return map(Record, data.rows, data.texts, targets)
