"""Work on all cores; the compiled loops hold no lock, so threads are enough."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")
_limit: int | None = None


def n_threads() -> int:
    """Count the cores this process may use."""
    if _limit is not None:
        return _limit
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_threads(most: int) -> None:
    """Use so many threads in this process from now on, where several processes share the cores."""
    global _limit  # noqa: PLW0603  (it is the process that is limited)
    _limit = most


def in_threads(
    work: Callable[[_Job], _Result], jobs: Sequence[_Job], *, stop: threading.Event | None = None
) -> list[_Result]:
    """Run ``work(job)`` for each job, answers in order.

    `stop` is set when one fails or the user interrupts, so that long work that looks at it can end early.

    Examples
    --------
    >>> in_threads(abs, [-1, 2])
    [1, 2]
    """
    if len(jobs) < 2:
        return [work(job) for job in jobs]
    with ThreadPoolExecutor(n_threads()) as pool:
        try:
            return list(pool.map(work, jobs))
        except BaseException:
            if stop is not None:
                stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
