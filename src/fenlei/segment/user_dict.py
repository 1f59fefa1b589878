"""A user's dictionary: lines of ``word [frequency] [tag]``, the format of jieba."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeAlias

from fenlei.clean.control import replace_surrogates
from fenlei.data.encoding import detect_encoding
from fenlei.exceptions import DataError, SettingError
from fenlei.segment.segmenter import Segmenter

UserDict: TypeAlias = "str | PathLike[str] | Sequence[str] | None"

_DIGITS = 12  # of a frequency; they are summed in 64 bits
_OWN_TAG = "nz"  # a proper name of another kind, which most words of a user's dictionary are


class Entry(NamedTuple):
    """A word of the dictionary; without a frequency, one is chosen that keeps the word whole."""

    word: str
    frequency: int | None
    tag: str


class DictionarySegmenter(Segmenter):
    """A segmenter with a keyword `user_dict`, read by `fit` so that its lines travel with the settings."""

    user_dict: UserDict
    user_dict_: list[str]

    def fit(self, X: Any, y: Any = None) -> Self:
        """Read the user's dictionary and check the settings."""
        self.user_dict_ = read_user_dict(self.user_dict)
        return super().fit(X, y)

    def settings(self) -> dict[str, Any]:
        """Return JSON values that rebuild this segmenter; the dictionary's lines stand for its path."""
        return {**super().settings(), "user_dict": self.dictionary_lines() or None}

    def dictionary_lines(self) -> list[str]:
        """Return the lines that `fit` read, or, before it, read them."""
        return self.user_dict_ if hasattr(self, "user_dict_") else read_user_dict(self.user_dict)


def read_user_dict(user_dict: UserDict) -> list[str]:
    """Return the lines of a dictionary: of a file, when `user_dict` is a path, or as they are.

    Parameters
    ----------
    user_dict : str, path, sequence of str or None
        A string is a path. A file may be in UTF-8 or GB18030.

    Raises
    ------
    DataError
        When the file cannot be read, or a line is not as it must be.

    Examples
    --------
    >>> read_user_dict(["云计算 100 n", "韩玉赏鉴"])
    ['云计算 100 n', '韩玉赏鉴']
    """
    if user_dict is None:
        return []
    if isinstance(user_dict, str | PathLike):
        path = Path(user_dict)
        lines, source = _read_lines(path), path.name
    else:
        lines, source = _check_lines(user_dict), "user_dict"
    parse_user_dict(lines, source=source)
    return lines


def parse_user_dict(lines: Sequence[str], *, source: str = "user_dict") -> tuple[Entry, ...]:
    """Turn lines into entries; blank lines are skipped.

    Examples
    --------
    >>> parse_user_dict(["云计算 100 n", "", "韩玉赏鉴"])
    (Entry(word='云计算', frequency=100, tag='n'), Entry(word='韩玉赏鉴', frequency=None, tag='nz'))
    """
    numbered = enumerate(lines, 1)
    return tuple(_parse(line.strip(), source, row) for row, line in numbered if line.strip())


def _parse(line: str, source: str, row: int) -> Entry:
    fields = replace_surrogates(line).split()
    tag = fields.pop() if len(fields) > 1 and _is_tag(fields[-1]) else _OWN_TAG
    frequency = fields.pop() if len(fields) > 1 and _is_number(fields[-1]) else None
    if len(fields) != 1:
        raise DataError("expected 'word [frequency] [tag]', and no space in the word", source=source, row=row)
    if frequency is not None and len(frequency) > _DIGITS:
        raise DataError(f"the frequency has over {_DIGITS} digits; give a smaller one", source=source, row=row)
    return Entry(fields[0], None if frequency is None else int(frequency), tag)


def _is_tag(field: str) -> bool:
    return field.isascii() and field.isalpha()


def _is_number(field: str) -> bool:
    return field.isascii() and field.isdigit()


def _read_lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as stream:
            encoding = detect_encoding(stream, source=path.name).encoding
            text = stream.read().decode(encoding)
    except OSError as error:
        raise DataError(f"cannot read the user dictionary: {error.strerror}", source=str(path)) from error
    return [line.rstrip("\r") for line in text.split("\n")]


def _check_lines(lines: object) -> list[str]:
    if not isinstance(lines, Sequence) or not all(isinstance(line, str) for line in lines):
        raise SettingError("user_dict must be a path or a list of lines 'word [frequency] [tag]'")
    return list(lines)
