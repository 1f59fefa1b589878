"""Work that takes long, in a thread of its own, so that predictions do not wait behind it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from fenlei.serve.errors import overloaded, too_late
from fenlei.serve.worker import Worker

_MOST_WAITING = 8
_Result = TypeVar("_Result")


class SideWorker:
    """Does one thing after another; few may wait, and each has a deadline.

    Parameters
    ----------
    name : str
        Of the thread.
    deadline : float
        Seconds.
    """

    def __init__(self, name: str, deadline: float) -> None:
        self._worker = Worker(name)
        self._deadline = deadline

    def submit(self, calls: Sequence[Callable[[], _Result]]) -> asyncio.Future[list[_Result]]:
        """Begin some calls, one after another; at the deadline their future holds an error.

        When the future ends before they do, those that are not begun are dropped.

        Raises
        ------
        ServeError
            When too many wait.
        """
        if self._worker.waiting >= _MOST_WAITING:
            raise overloaded(self._deadline)
        ended = threading.Event()
        future = self._worker.run(lambda: [call() for call in calls if not ended.is_set()])
        timer = asyncio.get_running_loop().call_later(self._deadline, _expire, future)
        future.add_done_callback(lambda _: ended.set())
        future.add_done_callback(lambda _: timer.cancel())
        return future

    def close(self) -> None:
        """End when all is done."""
        self._worker.close()


def _expire(future: asyncio.Future[_Result]) -> None:
    if not future.done():
        future.set_exception(too_late())
