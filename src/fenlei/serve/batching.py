"""Texts of many clients, scored together: `MicroBatcher`.

Nothing waits while the model is idle: a batch is what came while the one before it was scored, and in the hundredth of
a second after it if that was of several requests. So batches are of one text when there is little to do, and grow with
the load, up to what takes about a quarter of a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import accumulate
from typing import Protocol

from fenlei._stages import TOKENIZE, measured
from fenlei.base import Floats
from fenlei.serve.errors import model_failed, overloaded, too_large, too_late
from fenlei.serve.pace import Pace
from fenlei.serve.waiting import Job, JobQueue, Scored, Slice
from fenlei.serve.worker import Worker

_BATCH_SECONDS = 0.25
_SMALLEST, _LARGEST = 16, 1024  # bounds of the size of the largest batch
_GATHER_SHARE, _GATHER_SECONDS = 0.1, 0.01  # of the time of a batch, and at most, that the next one waits for company
_MARGIN = 0.7  # of the deadline: a request that should take longer is refused at the door
_PATIENCE = 1.0  # seconds, at the end, for a batch that nobody waits for any more

Score = Callable[[list[str]], Floats]


class Listener(Protocol):
    """Who is told of the work."""

    def batch(self, n_texts: int, tokenize: float, inference: float) -> None:
        """Tell of a batch: its texts, and the seconds of its stages."""

    def shed(self) -> None:
        """Tell of a request that was refused, or met its deadline unanswered."""

    def failed(self, error: Exception) -> None:
        """Tell that the model raised."""


class MicroBatcher:
    """One model, the requests that wait for it, and the thread that scores them.

    Parameters
    ----------
    score : callable
        Texts in, array of shape (n_texts, n_classes) out.
    most_waiting : int
        Size of the queue.
    deadline : float
        Seconds from a request to its answer.
    listener : Listener
    """

    def __init__(self, score: Score, *, most_waiting: int, deadline: float, listener: Listener) -> None:
        self.pace = Pace()
        self.worked = 0.0
        """When a batch was last scored without an error, in the event loop's time."""
        self._score = score
        self._most_waiting, self._deadline = most_waiting, deadline
        self._listener = listener
        self._queue = JobQueue()
        self._worker = Worker("fenlei-model")
        self._running: asyncio.Task[None] | None = None
        self._unanswered: set[asyncio.Future[Scored]] = set()
        self._free_at = 0.0

    @property
    def waiting(self) -> int:
        """Size of the texts that wait."""
        return self._queue.size

    def submit(self, texts: list[str]) -> Job:
        """Let a request wait for its scores: ``await job.answer``; at the deadline the answer is an error.

        Raises
        ------
        ServeError
            When the queue is full or could never take it, or the answer would come too late.
        """
        loop = asyncio.get_running_loop()
        job = Job(texts, loop.time(), loop.create_future())
        self._check_wait(job)
        self._queue.put(job)
        timer = loop.call_later(self._deadline, self._expire, job)
        job.answer.add_done_callback(lambda _: timer.cancel())
        self._unanswered.add(job.answer)
        job.answer.add_done_callback(self._unanswered.discard)
        if self._running is None:
            self._running = loop.create_task(self._run())
        return job

    async def predict(self, texts: list[str]) -> Scored:
        """Score the texts of one request; cancelled, its texts leave the queue."""
        if not texts:
            raise ValueError("there are no texts to score")
        job = self.submit(texts)
        try:
            return await job.answer
        finally:
            self.leave(job)

    def leave(self, job: Job) -> None:
        """Take a request out of the queue, whatever became of it; texts that wait are not scored."""
        self._queue.discard(job)
        job.answer.cancel()

    async def check(self, texts: list[str]) -> Floats:
        """Score texts ahead of all that waits, behind the batch at work."""
        found = await self._worker.run(lambda: self._score(texts))
        self.worked = asyncio.get_running_loop().time()
        return found

    async def close(self) -> None:
        """Answer what was accepted, at its deadline at the latest, then let the thread end.

        A model that hangs is left behind: its thread does not keep the process.
        """
        while self._unanswered:
            await asyncio.wait(self._unanswered)
        if self._running is not None:
            await asyncio.wait({self._running}, timeout=_PATIENCE)
        if self._running is not None:
            self._running.cancel()
        self._worker.close()

    def _check_wait(self, job: Job) -> None:
        if job.waiting > self._most_waiting:
            raise too_large()
        if self._running is None:  # whatever the pace says: only batches correct it
            return
        size = self._queue.size + job.waiting
        wait = max(0.0, self._free_at - job.arrived) + self.pace.seconds(size, self._largest())
        if size > self._most_waiting or wait > _MARGIN * self._deadline:
            self._listener.shed()
            raise overloaded(wait)

    def _expire(self, job: Job) -> None:
        self._listener.shed()
        job.fail(too_late())

    def _largest(self) -> int:
        return min(max(self.pace.largest(_BATCH_SECONDS), _SMALLEST), _LARGEST)

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        while batch := self._queue.take(self._largest(), clock()):
            self._free_at = clock() + self.pace.seconds(sum(part.size for part in batch))
            begun = clock()
            try:
                await self._score_batch(batch)
            except Exception as error:  # noqa: BLE001  (a model may raise anything)
                await self._score_apart(batch, error)
            if len(batch) > 1:  # those who got their answers together are about to ask again
                await asyncio.sleep(min(_GATHER_SHARE * (clock() - begun), _GATHER_SECONDS))
        self._running = None

    async def _score_batch(self, batch: list[Slice]) -> None:
        texts = [text for part in batch for text in part.texts]
        clock = asyncio.get_running_loop().time
        begun = clock()
        rows, seconds, tokenize = await self._worker.run(lambda: _measured(self._score, texts))
        if len(rows) != len(texts):
            raise ValueError(f"{len(rows)} rows of scores for {len(texts)} texts")
        self.worked = clock()
        size = sum(part.size for part in batch)
        self.pace.add(size, self.worked - begun)  # as those who wait see it: the machine may have much else to do
        self._listener.batch(len(texts), tokenize, seconds - tokenize)
        for part, end in zip(batch, accumulate(len(part.texts) for part in batch), strict=True):
            part.job.add(rows[end - len(part.texts) : end])
        self._check_rest(batch[-1].job, seconds / size)

    def _check_rest(self, job: Job, each: float) -> None:
        """End a request whose rest would come too late, by the pace and by that of the last batch: it holds up others.

        It was let in while the model was idle, or the machine has become slower.
        """
        wait = min(self.pace.seconds(job.waiting, self._largest()), each * job.waiting)
        if not job.answer.done() and self.worked + wait > job.arrived + self._deadline:
            self._listener.shed()
            job.fail(overloaded(wait))
            self._queue.discard(job)

    async def _score_apart(self, batch: list[Slice], error: Exception) -> None:
        """Let only those requests fail that the model cannot score by themselves."""
        if len(batch) > 1:
            for part in batch:
                try:
                    await self._score_batch([part])
                except Exception as own:  # noqa: BLE001
                    self._fail(part.job, own)
        else:
            self._fail(batch[0].job, error)

    def _fail(self, job: Job, error: Exception) -> None:
        self._listener.failed(error)
        job.fail(model_failed(error))
        self._queue.discard(job)


def _measured(score: Score, texts: list[str]) -> tuple[Floats, float, float]:
    """Give the scores, the seconds they took, and those of them before the model began to compute."""
    start = time.perf_counter()
    with measured() as stages:
        rows = score(texts)
    return rows, time.perf_counter() - start, stages.get(TOKENIZE, 0.0)
