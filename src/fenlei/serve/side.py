"""Work that takes long, in a thread of its own, so that predictions do not wait behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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
        self._n_waiting = 0

    def submit(self, call: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Begin a call; at the deadline its future holds an error, and it is not begun any more.

        Raises
        ------
        ServeError
            When too many wait.
        """
        if self._n_waiting >= _MOST_WAITING:
            raise overloaded(self._deadline)
        future = self._worker.run(call)
        timer = asyncio.get_running_loop().call_later(self._deadline, _expire, future)
        self._n_waiting += 1
        future.add_done_callback(lambda _: self._done(timer))
        return future

    def close(self) -> None:
        """End when all is done."""
        self._worker.close()

    def _done(self, timer: asyncio.TimerHandle) -> None:
        timer.cancel()
        self._n_waiting -= 1


def _expire(future: asyncio.Future[_Result]) -> None:
    if not future.done():
        future.set_exception(too_late())
