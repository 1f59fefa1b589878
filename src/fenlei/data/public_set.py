"""The two kinds of named public data set: files in an installed package, and tables of the Hugging Face Hub.

Code of the packages and of the Hub's repositories is never run, only their files are read.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fenlei.data.dataset import Dataset
from fenlei.exceptions import DataError, MissingExtraError


@dataclass(frozen=True)
class PublicSet(ABC):
    """What is known about a set before it is loaded.

    Attributes
    ----------
    name : str
        As used in ``name:NAME``.
    language : str
        ISO 639-1 code.
    classes : tuple of str
    splits : mapping of str to int
        Rows of each split.
    origin : str
        Where it comes from.
    licence : str
        As its publisher states it, or that none is stated.
    """

    name: str
    language: str
    classes: tuple[str, ...]
    splits: Mapping[str, int]
    origin: str
    licence: str
    multi_label: bool = field(default=False, kw_only=True)

    extra = ""

    @abstractmethod
    def load(self, split: str) -> Dataset:
        """Return one split; the name of the split has been checked."""

    @abstractmethod
    def at_hand(self) -> bool:
        """Whether it can be loaded without network and without installing anything."""


@dataclass(frozen=True)
class EmbeddedSet(PublicSet):
    """A set whose files lie in an installed package; the package is located, not imported.

    Attributes
    ----------
    package : str
    sources : mapping of str to str
        Label to the place inside the package: a file of one text a line, or a folder of one file a text.
    fallback : str
        Encoding of the few files that are not UTF-8.
    """

    package: str = field(kw_only=True)
    sources: Mapping[str, str] = field(kw_only=True)
    fallback: str = field(default="utf-8", kw_only=True)

    extra = "demo"

    def load(self, split: str) -> Dataset:
        """Read the files of all labels, in the order of the labels."""
        root = self._root()
        if root is None:
            raise MissingExtraError(
                f"this needs the package {self.package!r}, which is not installed; "
                f"run: pip install 'fenlei[{self.extra}]'"
            )
        texts: list[str] = []
        targets: list[str] = []
        for label, place in self.sources.items():
            found = self._texts(root / place)
            texts += found
            targets += [label] * len(found)
        return Dataset(texts, targets, range(1, len(texts) + 1), f"name:{self.name}", "utf-8")

    def _texts(self, place: Path) -> list[str]:
        try:
            return list(_texts(place, self.fallback))
        except (OSError, UnicodeError) as error:
            raise DataError(
                f"this version of the package {self.package!r} does not hold the texts where they were",
                source=f"name:{self.name}",
            ) from error

    def at_hand(self) -> bool:
        """Whether the package is installed."""
        return self._root() is not None

    def _root(self) -> Path | None:
        spec = importlib.util.find_spec(self.package)
        places = None if spec is None else spec.submodule_search_locations
        return Path(next(iter(places))) if places else None


@dataclass(frozen=True)
class HubSet(PublicSet):
    """A set of the Hugging Face Hub.

    Attributes
    ----------
    repository : str
        ``owner/name``.
    text, label : str
        Columns.
    config : str or None
        Name of the configuration, where there are several.
    revision : str or None
        ``"refs/convert/parquet"`` where the main branch holds a script, which would be remote code.
    """

    repository: str = field(kw_only=True)
    text: str = field(default="text", kw_only=True)
    label: str = field(default="label", kw_only=True)
    config: str | None = field(default=None, kw_only=True)
    revision: str | None = field(default=None, kw_only=True)

    extra = "hub"

    def load(self, split: str, mirror: str | None = None) -> Dataset:
        """Download the split, or take it from the cache."""
        from fenlei.data.hub import download

        table = download(self.repository, self.config, split, self.revision, mirror)
        try:
            texts, values = list(table[self.text]), list(table[self.label])
        except KeyError as error:
            raise DataError(f"{self.repository} has no column {error}", source=f"name:{self.name}") from error
        targets = [self._names(value) for value in values]
        return Dataset(texts, targets, range(1, len(texts) + 1), f"name:{self.name}/{split}")  # type: ignore[arg-type]

    def at_hand(self) -> bool:
        """Whether a copy is in the cache."""
        from fenlei.data.hub import is_cached

        return is_cached(self.repository)

    def _names(self, value: Any) -> str | list[str]:
        if isinstance(value, list):
            return [str(self._names(item)) for item in value]
        if not isinstance(value, int) or not 0 <= value < len(self.classes):
            raise DataError(
                f"the label {value!r} is none of the {len(self.classes)} classes", source=f"name:{self.name}"
            )
        return self.classes[value]


def _texts(place: Path, fallback: str) -> Iterator[str]:
    if place.is_dir():
        yield from (_decode(file.read_bytes(), fallback) for file in sorted(place.glob("*.txt")))
        return
    with place.open(encoding="utf-8", newline="\n") as lines:
        yield from (line.rstrip("\r\n") for line in lines if line.strip())


def _decode(content: bytes, fallback: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(fallback)
