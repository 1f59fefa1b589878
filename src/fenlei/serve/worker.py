"""A thread that works for the event loop, one call after another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

_Result = TypeVar("_Result")
_Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Worker:
    """Run functions in a thread of their own, so that the event loop goes on.

    Unlike an executor's, the thread is a daemon: a call that never ends does not keep the process from ending.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(self, call: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Put a call behind those that wait; the future is of the running event loop."""
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._jobs.put((call, future))
        return future

    def close(self) -> None:
        """Let the thread end when its calls are done."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            call, future = job
            if not future.done():  # given up while it waited
                _carry_out(call, future)
            del job, call, future  # nothing of a request is kept until the next one comes


def _carry_out(call: Callable[[], Any], future: asyncio.Future[Any]) -> None:
    result: Any = None
    error: Exception | None = None
    try:
        result = call()
    except StopIteration as raised:  # which a future does not take
        error = RuntimeError(repr(raised))
    except Exception as raised:  # noqa: BLE001  (handed to whoever waits)
        error = raised
    try:
        future.get_loop().call_soon_threadsafe(_settle, future, result, error)
    except RuntimeError:  # the event loop is closed: nobody waits any more
        return


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
