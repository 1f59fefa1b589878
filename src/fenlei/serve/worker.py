"""Threads that work for the event loop, and do not keep the process from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

_Result = TypeVar("_Result")
_Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Worker:
    """Run functions in threads of their own, so that the event loop goes on.

    Unlike an executor's, the threads are daemons: a call that never ends does not keep the process from ending.

    Parameters
    ----------
    name : str
        Of the threads.
    n_threads : int, default=1
        With one, calls are done one after another.
    """

    def __init__(self, name: str, n_threads: int = 1) -> None:
        self._calls: dict[asyncio.Future[Any], Callable[[], Any]] = {}  # in the order they came
        self._changed = threading.Condition()
        self._closing = False
        for _ in range(n_threads):
            threading.Thread(target=self._work, name=name, daemon=True).start()

    @property
    def waiting(self) -> int:
        """Calls that are not begun."""
        return len(self._calls)

    def run(self, call: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Put a call behind those that wait; it is dropped when its future, of the running event loop, ends first."""
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        with self._changed:
            self._calls[future] = call
            self._changed.notify()
        future.add_done_callback(self._forget)
        return future

    def close(self) -> None:
        """Let the threads end when their calls are done."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _forget(self, future: asyncio.Future[Any]) -> None:
        """Drop a call that was given up while it waited, and all that it holds."""
        with self._changed:
            self._calls.pop(future, None)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            _carry_out(*job)
            del job  # nothing of a request is kept until the next one comes

    def _next(self) -> _Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._calls or self._closing)
            future = next(iter(self._calls), None)
            return None if future is None else (self._calls.pop(future), future)


def _carry_out(call: Callable[[], Any], future: asyncio.Future[Any]) -> None:
    if future.done():  # given up at this very moment
        return
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
