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
    """Does what was asked for in the order it came; little may wait, and each request has a deadline.

    Parameters
    ----------
    name : str
        Of the threads.
    deadline : float
        Seconds from a request to its answer.
    n_threads : int, default=1
    """

    def __init__(self, name: str, deadline: float, n_threads: int = 1) -> None:
        self._worker = Worker(name, n_threads)
        self._deadline = deadline

    def submit(
        self, calls: Sequence[Callable[[], _Result]], *, shed: Callable[[], None], since: float | None = None
    ) -> asyncio.Future[list[_Result]]:
        """Begin some calls, one after another; at the deadline their future holds an error.

        When the future ends before they do, those that are not begun are dropped.

        Parameters
        ----------
        calls : sequence of callable
        shed : callable
            Told when the request is refused, or meets its deadline unanswered.
        since : float, optional
            When the request came, in the event loop's time; now without.

        Raises
        ------
        ServeError
            When too many wait.
        """
        if self._worker.waiting >= _MOST_WAITING:
            shed()
            raise overloaded(self._deadline)
        loop, ended = asyncio.get_running_loop(), threading.Event()
        future = self._worker.run(lambda: [call() for call in calls if not ended.is_set()])
        timer = loop.call_at((loop.time() if since is None else since) + self._deadline, _expire, future, shed)
        future.add_done_callback(lambda _: ended.set())
        future.add_done_callback(lambda _: timer.cancel())
        return future

    def close(self) -> None:
        """End when all is done."""
        self._worker.close()


def _expire(future: asyncio.Future[_Result], shed: Callable[[], None]) -> None:
    if not future.done():
        shed()
        future.set_exception(too_late())
