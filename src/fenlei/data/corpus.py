"""Unlabelled texts of any number: a sequence, an iterator, or files, in batches that fit into the memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from fenlei._checks import check_texts
from fenlei.data.readers import stream
from fenlei.exceptions import SettingError

Texts: TypeAlias = "Iterable[str] | Path | Sequence[Path]"
"""Texts, or files of any format that `fenlei.data.readers.stream` reads, labels ignored."""

_ROWS, _CHARACTERS = 8192, 2_000_000


def batches(texts: Texts) -> Iterator[list[str]]:
    """Give the texts in lists of at most 8,192 texts, and of about two million characters.

    Raises
    ------
    DataError
        When a file cannot be read, or a text is none.
    SettingError
        When there is one string instead of texts.

    Examples
    --------
    >>> list(batches(["很好", "bad"]))
    [['很好', 'bad']]
    """
    batch: list[str] = []
    room = _CHARACTERS
    for text in _each(texts):
        batch.append(text)
        room -= len(text)
        if len(batch) == _ROWS or room <= 0:
            yield batch
            batch, room = [], _CHARACTERS
    if batch:
        yield batch


def _each(texts: Texts) -> Iterator[str]:
    if isinstance(texts, str | bytes):
        raise SettingError("expected texts, got one string; for a file write pathlib.Path(name)")
    if isinstance(texts, Path):
        texts = [texts]
    if not isinstance(texts, Sequence):
        return iter(texts)
    if texts and all(isinstance(part, Path) for part in texts):
        return (record.text for path in texts for record in stream(path, label=""))
    return iter(check_texts(texts))
