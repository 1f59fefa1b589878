"""Score windows in other processes, where most of the work holds Python's lock and one process fills one core.

A worker is told nothing but the folder of the model and what to write. It loads the model itself, reads windows from
its standard input and writes the rows that answer them to its standard output, in frames: the length in eight bytes,
then as many bytes. It ends when its input does, so also when the process that began it is killed.

Nothing depends on a worker. What one does not answer, for whatever reason, is answered by the process that reads.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self, cast

from fenlei._threads import limit_threads, n_threads
from fenlei._unread import Unread, counted
from fenlei.persistence import load_with_digest
from fenlei.scoring.outputs import rows_as_bytes
from fenlei.scoring.predictions import as_predictions
from fenlei.scoring.windows import score_window

if TYPE_CHECKING:
    from fenlei.base import TextClassifier

_MOST = 4  # so many linear models score what one process reads and writes
_ALONE = 8  # windows before workers are begun: they take a second to start, and a small file is done by then
_AHEAD = 2  # windows that a worker has at a time: the next one is there when it has answered one
_LENGTH = 8  # bytes
_UTF8 = "utf-8", "surrogatepass"  # texts have lone surrogates now and then


@dataclass(frozen=True)
class Job:
    """What is done with a window.

    Attributes
    ----------
    folder, digest : str
        Of the model; `digest` is what `fenlei.persistence.load_with_digest` gave.
    shown : int
        How many of the likeliest classes a row tells in ``scores``.
    packed : bool
        Whether the rows are compressed.
    """

    folder: str
    digest: str
    shown: int
    packed: bool


class Answers(NamedTuple):
    """The rows that answer a window, as bytes, and how much of its texts was not read."""

    rows: bytes
    unread: Unread


def answered(
    model: TextClassifier, job: Job, windows: Iterable[list[str]], count: int | None = None
) -> Generator[tuple[list[str], bytes]]:
    """Give each window with its rows, in order.

    Texts that the model reads only in part are told of here, whoever scored them.

    Parameters
    ----------
    count : int or None, default=None
        How many workers score all windows. None begins them only where they are of use: one a core, at most 4, behind
        the first windows, for a model whose `scores_on_all_cores` is False.
    """
    wanted = count is not None
    waiting: deque[list[str]] = deque()
    with Workers(job, _useful(model) if count is None else count) as workers:
        for number, window in enumerate(windows):
            if number == (0 if wanted else _ALONE):
                workers.begin()
            if not workers.are_ready(wait_for_them=wanted):
                yield window, _told(answer(model, job, window))
                continue
            workers.send(window)
            waiting.append(window)
            if len(waiting) == workers.room:
                oldest = waiting.popleft()
                yield oldest, _told(workers.receive() or answer(model, job, oldest))
        for window in waiting:
            yield window, _told(workers.receive() or answer(model, job, window))


def _useful(model: TextClassifier) -> int:
    return 0 if model.scores_on_all_cores or n_threads() == 1 else min(n_threads(), _MOST)


def answer(model: TextClassifier, job: Job, texts: list[str]) -> Answers:
    """Score a window in this process."""
    with counted() as unread:
        predictions = as_predictions(model, score_window(model, texts), shown=job.shown)
    return Answers(rows_as_bytes(predictions, packed=job.packed), unread)


def _told(answers: Answers) -> bytes:
    answers.unread.tell()
    return answers.rows


class Workers:
    """Some workers, which take turns: the first window goes to the first of them, and so on.

    Parameters
    ----------
    job : Job
    count : int
        How many; none is begun before `begin`.
    """

    def __init__(self, job: Job, count: int) -> None:
        self._job, self._count = job, count
        self._workers: list[_Worker] = []
        self._greetings: list[Future[None]] = []
        self._sent = self._received = 0

    @property
    def room(self) -> int:
        """How many windows may be sent and not received."""
        return _AHEAD * len(self._workers)

    def begin(self) -> None:
        """Begin the processes, and do not wait for them."""
        if not self._count:
            return
        threads = max(1, n_threads() // self._count)
        self._pool = ThreadPoolExecutor(self._count)
        with suppress(OSError):  # no more processes to be had
            for _ in range(self._count):
                worker = _Worker(self._job, threads)
                self._workers.append(worker)
                self._greetings.append(self._pool.submit(worker.meet, self._job.digest))

    def are_ready(self, *, wait_for_them: bool) -> bool:
        """Whether all of them have loaded the model, or are lost; never without workers."""
        return bool(self._greetings) and not wait(self._greetings, None if wait_for_them else 0).not_done

    def send(self, texts: list[str]) -> None:
        """Give a window to the worker whose turn it is."""
        self._workers[self._sent % len(self._workers)].send(texts)
        self._sent += 1

    def receive(self) -> Answers | None:
        """Wait for the answers to the next of the windows, in the order they were sent; None when they are lost."""
        answers = self._workers[self._received % len(self._workers)].receive()
        self._received += 1
        return answers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End them all, whatever they do: they hold nothing that could be lost."""
        for worker in self._workers:
            worker.end()
        if self._greetings:
            self._pool.shutdown()


class _Worker:
    """The process, seen from the one that began it. A worker that fails in any way is ended, and counts as lost."""

    def __init__(self, job: Job, threads: int) -> None:
        # -P: a file in the user's folder must not be taken for a module. The session is its own so that Ctrl-C on the
        # terminal reaches only us.
        self._process = subprocess.Popen(  # noqa: S603  (ourselves)
            [sys.executable, "-P", "-m", __name__, json.dumps(asdict(job)), str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        )  # fmt: skip

    def meet(self, digest: str) -> None:
        """Wait until it has loaded the model, which must be ours still."""
        if _read_frame(self._output) != digest.encode():
            self.end()

    def send(self, texts: list[str]) -> None:
        """Give it a window."""
        with suppress(OSError, ValueError):  # it is gone, which `receive` finds out
            _write_frame(self._input, json.dumps(texts, ensure_ascii=False).encode(*_UTF8))

    def receive(self) -> Answers | None:
        """Wait for its answers; None when it is lost."""
        unread, rows = _read_frame(self._output), _read_frame(self._output)
        if unread is None or rows is None:
            self.end()
            return None
        return Answers(rows, Unread(**json.loads(unread)))

    def end(self) -> None:
        """End it now."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._input, self._output):
            with suppress(OSError):  # of what it did not read
                pipe.close()

    @property
    def _input(self) -> BinaryIO:
        return cast("BinaryIO", self._process.stdin)

    @property
    def _output(self) -> BinaryIO:
        return cast("BinaryIO", self._process.stdout)


def _write_frame(file: BinaryIO, data: bytes) -> None:
    file.write(len(data).to_bytes(_LENGTH, "little"))
    file.write(data)
    file.flush()


def _read_frame(file: BinaryIO) -> bytes | None:
    """Read a frame; None at the end, also one amid a frame."""
    try:
        head = file.read(_LENGTH)
        size = int.from_bytes(head, "little")
        data = file.read(size)
    except (OSError, ValueError):  # closed meanwhile
        return None
    return data if len(head) == _LENGTH and len(data) == size else None


def _work(job: Job, source: BinaryIO, target: BinaryIO) -> None:
    """Answer windows until there are no more."""
    model, digest = load_with_digest(job.folder)
    _write_frame(target, digest.encode())
    texts: queue.Queue[list[str] | None] = queue.Queue(1)
    # The thread takes the next window while this one is scored: who sends two windows and reads the answers to the
    # first must not wait for us, who wait for him.
    threading.Thread(target=_take_windows, args=(source, texts), daemon=True).start()
    while (window := texts.get()) is not None:
        answers = answer(model, job, window)
        _write_frame(target, json.dumps(asdict(answers.unread)).encode())
        _write_frame(target, answers.rows)


def _take_windows(source: BinaryIO, texts: queue.Queue[list[str] | None]) -> None:
    while (data := _read_frame(source)) is not None:
        texts.put(json.loads(data.decode(*_UTF8)))
    texts.put(None)


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    job, threads = Job(**json.loads(sys.argv[1])), int(sys.argv[2])
    limit_threads(threads)
    target = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not come among the frames
    with suppress(BrokenPipeError):  # nobody waits any more
        _work(job, sys.stdin.buffer, target)


if __name__ == "__main__":
    _main()
