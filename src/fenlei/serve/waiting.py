"""The texts that wait for a model: requests in the order they came, cut into batches."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from fenlei.base import Floats

_CHARACTERS = 512


def size_of(text: str) -> int:
    """Give how much a text counts: once for each 512 characters begun, since long ones take longer.

    Examples
    --------
    >>> size_of(""), size_of("很好"), size_of("很" * 513)
    (1, 1, 2)
    """
    return 1 + max(0, len(text) - 1) // _CHARACTERS


class Scored(NamedTuple):
    """The answer to a request: a row of scores a text, and the seconds it waited before the first was begun."""

    rows: Floats
    queued: float


@dataclass(eq=False)
class Job:
    """The texts of one request, on their way through the queue.

    Attributes
    ----------
    texts : list of str
    arrived : float
        In the event loop's time.
    answer : Future of Scored
        Set when all texts are scored, or with the error that ends the request.
    """

    texts: list[str]
    arrived: float
    answer: asyncio.Future[Scored]
    sizes: list[int] = field(init=False)
    n_taken: int = 0
    queued: float = 0.0
    parts: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sizes = list(map(size_of, self.texts))

    @property
    def waiting(self) -> int:
        """Size of the texts that no batch has taken yet."""
        return sum(self.sizes[self.n_taken :])

    def fail(self, error: Exception) -> None:
        """End the request, unless it has its answer."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def add(self, rows: Floats) -> None:
        """Take the scores of the next texts; the last ones complete the answer."""
        self.parts.append(rows)
        if sum(map(len, self.parts)) == len(self.texts) and not self.answer.done():
            self.answer.set_result(Scored(np.concatenate(self.parts), self.queued))


class Slice(NamedTuple):
    """Some texts of one request, in a batch."""

    job: Job
    begin: int
    end: int

    @property
    def texts(self) -> list[str]:
        """The texts."""
        return self.job.texts[self.begin : self.end]

    @property
    def size(self) -> int:
        """Their size."""
        return sum(self.job.sizes[self.begin : self.end])


class JobQueue:
    """Requests first come, first served.

    Attributes
    ----------
    size : int
        Of all texts that wait.
    """

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self.size = 0

    def put(self, job: Job) -> None:
        """Let a request wait."""
        self._jobs.append(job)
        self.size += job.waiting

    def discard(self, job: Job) -> None:
        """Take a request out whose answer nobody waits for; its remaining texts are not scored."""
        if job.n_taken < len(job.texts):
            self._jobs.remove(job)
            self.size -= job.waiting
            job.n_taken = len(job.texts)

    def take(self, largest: int, now: float) -> list[Slice]:
        """Take texts of the first requests for a batch: up to the size `largest`, at least one text, [] when empty."""
        batch: list[Slice] = []
        while self._jobs and largest > 0:
            part = _cut(self._jobs[0], largest, at_least=0 if batch else 1)
            if part.begin == part.end:
                break
            job = part.job
            if part.begin == 0:
                job.queued = now - job.arrived
            job.n_taken = part.end
            if part.end == len(job.texts):
                self._jobs.popleft()
            self.size -= part.size
            largest -= part.size
            batch.append(part)
        return batch


def _cut(job: Job, largest: int, at_least: int) -> Slice:
    end, room = job.n_taken, largest
    while end < len(job.texts) and (job.sizes[end] <= room or end - job.n_taken < at_least):
        room -= job.sizes[end]
        end += 1
    return Slice(job, job.n_taken, end)
