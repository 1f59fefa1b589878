"""Texts longer than a model reads, for whoever asks: a model tells what it leaves out, a command listens.

A family that reads all of a text tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Unread:
    """How much of some texts is not read.

    Attributes
    ----------
    n : int
        Texts that there are.
    n_texts : int
        How many of them are longer than ``max_length``, and read only in part.
    n_ids : int
        Tokens that are not read, of all texts together.
    max_length : int
        Tokens of a text that are read.
    long_text : str or None
        What is read of longer texts, where that can be chosen, see `fenlei.encoders.windows`; else the beginning is.

    Examples
    --------
    >>> print(Unread(1200, 51, 1779, max_length=512))
    51 of 1,200 texts are longer than max_length=512: 1,779 tokens at their ends are not read
    """

    n: int = 0
    n_texts: int = 0
    n_ids: int = 0
    max_length: int = 0
    long_text: str | None = None

    def __str__(self) -> str:
        """Write it as one sentence."""
        longer = f"{self.n_texts:,} of {self.n:,} texts are longer than max_length={self.max_length}"
        if self.long_text is None:
            return f"{longer}: {self.n_ids:,} tokens at their ends are not read"
        return f"{longer}: {self.n_ids:,} of their tokens are not read (long_text={self.long_text})"

    def in_chinese(self) -> str:
        """Write it as one sentence in Chinese."""
        longer = f"{self.n:,} 条文本中有 {self.n_texts:,} 条长于 max_length={self.max_length}"
        if self.long_text is None:
            return f"{longer}，其末尾共 {self.n_ids:,} 个词元未被读取"
        return f"{longer}，其中共 {self.n_ids:,} 个词元未被读取（long_text={self.long_text}）"

    def tell(self, message: Callable[[str], None] = lambda text: None) -> None:
        """Tell `message`, where something is not read, and whoever listens."""
        if self.n_texts:
            message(str(self))
        listener = _listener.get()
        if listener is not None:
            listener._add(self)

    def _add(self, other: Unread) -> None:
        self.n += other.n
        self.n_texts += other.n_texts
        self.n_ids += other.n_ids
        self.max_length, self.long_text = other.max_length, other.long_text


_listener: ContextVar[Unread | None] = ContextVar("fenlei_unread", default=None)


@contextmanager
def counted() -> Iterator[Unread]:
    """Listen to what a model leaves out in the block; gives the sum, which grows with every batch.

    Examples
    --------
    >>> with counted() as unread:
    ...     for n_ids in (0, 5, 2):
    ...         Unread(10, bool(n_ids), n_ids, max_length=8).tell()
    >>> print(unread)
    2 of 30 texts are longer than max_length=8: 7 tokens at their ends are not read
    """
    unread = Unread()
    token = _listener.set(unread)
    try:
        yield unread
    finally:
        _listener.reset(token)
