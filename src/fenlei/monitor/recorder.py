"""Write predictions down without holding up the answers: a bounded queue, and one thread that writes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Self

from fenlei.exceptions import UnavailableError
from fenlei.monitor.records import PredictionRecord

if TYPE_CHECKING:
    from fenlei.monitor.store import PredictionStore

_BATCH = 1000
_GATHER_SECONDS = 0.2  # a batch waits for more, since each costs a sync of the disk
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between attempts
_MOST_CHARACTERS = 50_000_000  # of texts that wait


class BackgroundRecorder:
    """Hands predictions to a store from a thread of its own.

    `record` never waits for the disk. When the database is locked, full or away, the writer tries again and again, a
    pause of up to five seconds in between; meanwhile predictions wait, up to `most_waiting`, and what comes then is
    dropped and counted. What the database refuses for another reason is dropped too. Both troubles, and their end, are
    told once.

    Parameters
    ----------
    store : PredictionStore
        Stays open when the recorder closes.
    most_waiting : int, default 10,000
        Predictions; fewer where they carry long texts.
    message : callable, optional
        Told in one line of trouble and of its end, by the writing thread.

    Attributes
    ----------
    dropped : int
        Predictions that were not written and never will be.
    written : int
    problem : str or None
        What keeps the writer from writing now.

    Examples
    --------
    >>> import tempfile
    >>> from fenlei.monitor.store import PredictionStore
    >>> store = PredictionStore(tempfile.mkdtemp() + "/monitor.db")
    >>> with BackgroundRecorder(store) as recorder:
    ...     recorder.record([PredictionRecord("a1", 1.8e9, "shop", "v1", 4, "zh", "好评", 0.9, 1.2)])
    >>> store.models()[0].n, recorder.dropped
    (1, 0)
    >>> store.close()
    """

    def __init__(
        self,
        store: PredictionStore,
        *,
        most_waiting: int = 10_000,
        message: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.dropped = 0
        self.written = 0
        self.problem: str | None = None
        self._store = store
        self._most_waiting = most_waiting
        self._message = message
        self._waiting: deque[PredictionRecord] = deque()
        self._characters = 0
        self._in_hand = 0  # taken by the writer, not yet written
        self._changed = threading.Condition()
        self._hurry = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="fenlei-recorder", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Predictions that are not written yet."""
        return len(self._waiting) + self._in_hand

    def record(self, records: Iterable[PredictionRecord]) -> None:
        """Take predictions to be written soon; returns at once."""
        with self._changed:
            for record in records:
                self._take(record)
            self._changed.notify_all()

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until all that was recorded is written or dropped; False when that takes longer than `timeout` seconds.

        Worth doing when feedback names an id that the store does not know yet.
        """
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self.waiting, timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Write what waits, for `timeout` seconds at most; what is left then is dropped and counted."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)
        with self._changed:
            if self._waiting:
                self._drop(len(self._waiting), "the recorder was closed")
                self._waiting.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _take(self, record: PredictionRecord) -> None:
        size = len(record.text or "")
        full = self.waiting >= self._most_waiting or self._characters + size > _MOST_CHARACTERS
        if full or self._closing:
            self.dropped += 1
            return
        self._waiting.append(record)
        self._characters += size

    def _run(self) -> None:
        while batch := self._next_batch():
            self._write(batch)
            with self._changed:
                self._in_hand = 0
                self._characters -= sum(len(record.text or "") for record in batch)
                self._changed.notify_all()

    def _next_batch(self) -> list[PredictionRecord]:
        """Wait for predictions, and a moment for more; empty when the recorder closes and all is written."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            self._changed.wait_for(
                lambda: len(self._waiting) >= _BATCH or self._hurry or self._closing, _GATHER_SECONDS
            )
            self._hurry = False
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            self._in_hand = len(batch)
            return batch

    def _write(self, batch: list[PredictionRecord]) -> None:
        """Write a batch, however often that takes; at closing, once more."""
        pause = _FIRST_PAUSE
        while True:
            last = self._closing
            try:
                self._store.add(batch)
            except UnavailableError as error:
                self._tell(str(error))
                if last:
                    self._drop(len(batch), str(error))
                    return
                self._pause(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            except Exception as error:  # noqa: BLE001  (whatever it is, the next batch must be written)
                self._drop(len(batch), str(error) or type(error).__name__)
                return
            else:
                self.written += len(batch)
                self._tell(None)
                return

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing, seconds)

    def _tell(self, problem: str | None) -> None:
        """Tell of trouble once, and of its end."""
        before, self.problem = self.problem, problem
        if problem and not before:
            self._message(f"predictions are not written: {problem}; trying again")
        if before and not problem:
            self._message(f"predictions are written again; {self.dropped:,} were dropped so far")

    def _drop(self, count: int, reason: str) -> None:
        self.dropped += count
        self._message(f"{count:,} predictions were not written: {reason}")
