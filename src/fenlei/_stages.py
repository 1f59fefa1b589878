"""How long the stages of scoring take, for whoever asks: a model marks its stages, a server listens.

A family that marks no stage works as well; all its time then counts as inference.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

TOKENIZE = "tokenize"
"""From texts to what a model computes with: cleaning, cutting, looking up."""

_listener: ContextVar[dict[str, float] | None] = ContextVar("fenlei_stages", default=None)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Mark what runs in the block as a stage; costs nothing to speak of when nobody listens."""
    seconds = _listener.get()
    if seconds is None:
        yield
        return
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Listen to the stages in the block; gives the seconds of each by name, filled as they end.

    Examples
    --------
    >>> with measured() as seconds, stage(TOKENIZE):
    ...     pass
    >>> list(seconds), seconds["tokenize"] < 1
    (['tokenize'], True)
    """
    seconds: dict[str, float] = {}
    token = _listener.set(seconds)
    try:
        yield seconds
    finally:
        _listener.reset(token)
