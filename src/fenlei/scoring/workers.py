"""Score windows in other processes, where most of the work holds Python's lock and one process fills one core.

A worker is told nothing but the folder of the model and what to write. It loads the model itself and says which one,
and by which fenlei; then it reads windows from its standard input and writes the rows that answer them to its standard
output, in frames: the length in eight bytes, then as many bytes. It ends when its input does, so also when the process
that began it is killed.

A worker that ends, for whatever reason, or has another model or fenlei, is lost: the process that reads answers what it
was to answer.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self, cast

import fenlei
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
_AHEAD = 2  # windows that a worker has at a time, one of them waiting in our thread
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
    model: TextClassifier,
    job: Job,
    windows: Iterable[list[str]],
    count: int | None = None,
    *,
    message: Callable[[str], None] = lambda text: None,
) -> Generator[tuple[list[str], bytes]]:
    """Give each window with its rows, in order; an error of `windows` comes behind the rows of those before it.

    Texts that the model reads only in part are told of here, whoever scored them.

    Parameters
    ----------
    count : int or None, default=None
        How many workers score all windows. None begins them only where they are of use: one a core, at most 4, behind
        the first windows, for a model whose `scores_on_all_cores` is False.
    message : callable
        Told of workers that were lost.
    """
    patient = count is not None  # so many were asked for: they get all windows, and are waited for
    first = 0 if patient else _ALONE
    errors: list[Exception] = []
    with Workers(job, _useful(model) if count is None else count) as workers:
        for number, window in enumerate(_until_error(windows, errors)):
            if number == first:
                workers.begin()
            if not workers.are_ready(wait_for_them=patient):
                yield window, _told(answer(model, job, window))
                continue
            workers.send(window)
            if workers.are_full:
                yield _received(model, job, workers)
        while workers.waiting:
            yield _received(model, job, workers)
        if workers.n_lost:
            message(f"{workers.n_lost} of {workers.count} scoring processes were lost; this one did their work")
    if errors:
        raise errors[0]


def _useful(model: TextClassifier) -> int:
    return 0 if model.scores_on_all_cores or n_threads() == 1 else min(n_threads(), _MOST)


def _until_error(windows: Iterable[list[str]], errors: list[Exception]) -> Iterator[list[str]]:
    """Give the windows up to the error that ends them, and keep it: what is scored meanwhile must not be lost by it."""
    try:
        yield from windows
    except Exception as error:  # noqa: BLE001  (it is raised later)
        errors.append(error)


def _received(model: TextClassifier, job: Job, workers: Workers) -> tuple[list[str], bytes]:
    window, answers = workers.receive()
    return window, _told(answers or answer(model, job, window))


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

    Attributes
    ----------
    count : int
    waiting : deque
        The windows that were sent and not received, and what will answer them.
    """

    def __init__(self, job: Job, count: int) -> None:
        self.count = count
        self.waiting: deque[tuple[list[str], Future[Answers | None]]] = deque()
        self._job = job
        self._workers: list[_Worker] = []
        self._turn = 0

    @property
    def are_full(self) -> bool:
        """Whether every worker has as many windows as it may have."""
        return len(self.waiting) >= _AHEAD * len(self._workers)

    @property
    def n_lost(self) -> int:
        """How many have ended before their time."""
        return sum(worker.is_lost for worker in self._workers)

    def begin(self) -> None:
        """Begin all processes, or none, and do not wait for them."""
        if not self.count or not sys.executable or hasattr(sys, "frozen"):  # of a frozen program it is the program
            return
        threads = max(1, n_threads() // self.count)
        try:
            for _ in range(self.count):
                self._workers.append(_Worker(self._job, threads))
        except (OSError, RuntimeError):  # no more processes to be had, or threads
            self._end()

    def are_ready(self, *, wait_for_them: bool) -> bool:
        """Whether all have greeted or are lost, and not all are lost before the first window is sent."""
        if wait_for_them or all(worker.greeting.done() for worker in self._workers):
            return bool(self.waiting) or any(worker.greeting.result() for worker in self._workers)
        return False

    def send(self, window: list[str]) -> None:
        """Give a window to the worker whose turn it is."""
        worker = self._workers[self._turn % len(self._workers)]
        self._turn += 1
        self.waiting.append((window, worker.ask(window)))

    def receive(self) -> tuple[list[str], Answers | None]:
        """Wait for the answers to the window that was sent first; None when they are lost."""
        window, answers = self.waiting.popleft()
        return window, answers.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        """End them all, whatever they do: they hold nothing that could be lost."""
        for worker in self._workers:
            worker.end()
        self._workers = []


class _Worker:
    """A process, and a thread that talks to it, so that nobody waits at a full pipe for one who waits at another."""

    def __init__(self, job: Job, threads: int) -> None:
        self.is_lost = False
        # -P: a file in the user's folder must not be taken for a module. The session is its own so that Ctrl-C on the
        # terminal reaches only us.
        self._process = subprocess.Popen(  # noqa: S603  (ourselves)
            [sys.executable, "-P", "-m", __name__, json.dumps(asdict(job)), str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            env={"OMP_NUM_THREADS": str(threads)} | os.environ,
        )  # fmt: skip
        self._thread = ThreadPoolExecutor(1)
        try:
            self.greeting = self._thread.submit(self._meet, _greeting(job.digest))
        except BaseException:
            self.end()
            raise

    def ask(self, texts: list[str]) -> Future[Answers | None]:
        """Have a window answered, behind those that were given before; None comes when the worker is lost."""
        return self._thread.submit(self._ask, json.dumps(texts, ensure_ascii=False).encode(*_UTF8))

    def end(self) -> None:
        """End the process now, and the thread."""
        self._process.kill()
        self._thread.shutdown(cancel_futures=True)
        self._process.wait()
        for pipe in self._pipes():
            with suppress(OSError):  # of what it did not read
                pipe.close()

    def _meet(self, expected: bytes) -> bool:
        """Wait until it has loaded the model; whatever it says but the greeting, it is none of ours."""
        _, output = self._pipes()
        parts = len(expected).to_bytes(_LENGTH, "little"), expected
        if not all(output.read(len(part)) == part for part in parts):
            self._lose()
        return not self.is_lost

    def _ask(self, window: bytes) -> Answers | None:
        source, output = self._pipes()
        try:
            _write_frame(source, window)
            unread, rows = _read_frame(output), _read_frame(output)
        except OSError:
            unread = rows = None
        if unread is None or rows is None:
            self._lose()
            return None
        return Answers(rows, Unread(**json.loads(unread)))

    def _lose(self) -> None:
        self.is_lost = True
        self._process.kill()

    def _pipes(self) -> tuple[BinaryIO, BinaryIO]:
        return cast("BinaryIO", self._process.stdin), cast("BinaryIO", self._process.stdout)


def _greeting(digest: str) -> bytes:
    """Tell, as a worker does first, which model was loaded, and by which fenlei."""
    return json.dumps([digest, fenlei.__version__, os.path.realpath(fenlei.__file__)]).encode()


def _write_frame(file: BinaryIO, data: bytes) -> None:
    file.write(len(data).to_bytes(_LENGTH, "little"))
    file.write(data)
    file.flush()


def _read_frame(file: BinaryIO) -> bytes | None:
    """Read a frame; None at the end, also one amid a frame."""
    head = file.read(_LENGTH)
    size = int.from_bytes(head, "little")
    data = file.read(size)
    return data if len(head) == _LENGTH and len(data) == size else None


def _work(job: Job, source: BinaryIO, target: BinaryIO) -> None:
    """Answer windows until there are no more."""
    model, digest = load_with_digest(job.folder)
    _write_frame(target, _greeting(digest))
    while (window := _read_frame(source)) is not None:
        answers = answer(model, job, json.loads(window.decode(*_UTF8)))
        _write_frame(target, json.dumps(asdict(answers.unread)).encode())
        _write_frame(target, answers.rows)


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_threads(int(sys.argv[2]))
    target = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not come among the frames
    with suppress(BrokenPipeError):  # nobody waits any more
        _work(Job(**json.loads(sys.argv[1])), sys.stdin.buffer, target)


if __name__ == "__main__":
    _main()
