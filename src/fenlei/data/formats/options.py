"""What the user may say about a file, checked before the file is opened."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from fenlei.data.encoding import known_encoding
from fenlei.exceptions import SettingError


@dataclass(frozen=True)
class Options:
    """The keywords of :func:`fenlei.data.readers.read`, without path and format."""

    text: str | None = None
    label: str | None = None
    separator: str | None = None
    encoding: str | None = None
    delimiter: str | None = None

    def only(self, takes: frozenset[str]) -> Options:
        """Leave out what a file of this format has no use for."""
        unused = [option.name for option in fields(self) if getattr(self, option.name) and option.name not in takes]
        return replace(self, **dict.fromkeys(unused))

    def check(self, format_name: str, takes: frozenset[str]) -> None:
        """Refuse what is wrong in itself and what a file of this format has no use for.

        Raises
        ------
        SettingError
        """
        for option in fields(self):
            value = getattr(self, option.name)
            if value is not None and not isinstance(value, str):
                raise SettingError(f"{option.name} must be a string, not {type(value).__name__}")
            if value and option.name not in takes:
                raise SettingError(f"{option.name}={value!r} means nothing for a file of format {format_name}")
        if self.encoding is not None:
            known_encoding(self.encoding)
        if self.separator == "" or self.text == "":
            raise SettingError("separator and text must not be empty strings; leave them out")
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '\r\n"\0\ufeff'):
            raise SettingError(f"delimiter must be one character, such as ';' or a tab, not {self.delimiter!r}")
