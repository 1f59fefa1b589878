"""Work on all cores; the compiled loops hold no lock, so threads are enough."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")


def n_threads() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
