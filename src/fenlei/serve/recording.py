"""Write predictions and their true labels into the monitor's database, without an answer waiting for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fenlei.exceptions import FenleiError
from fenlei.serve.errors import ServeError, too_late
from fenlei.serve.served import ServedModel
from fenlei.serve.side import SideWorker
from fenlei.serve.waiting import size_of
from fenlei.serve.worker import Worker

if TYPE_CHECKING:
    from fenlei.monitor.gauges import Gauge
    from fenlei.monitor.records import PredictionRecord

_log = logging.getLogger(__name__)
_FEW = 16  # texts whose facts are taken on the spot
_MOST_WAITING = 10_000  # size of the texts whose facts are still to be taken
_FLUSH_SECONDS = 2.0
_WRITE_SECONDS = 10.0  # at the end, if there is so much time
_AT_ONCE = 4  # questions to the database
_WEEK = 7 * 86_400.0  # seconds


class Recording:
    """The monitor of one service.

    Parameters
    ----------
    url : str
        Of the database, or its file.
    record_text : bool
        Whether the texts are written too.
    deadline : float
        Seconds from a request to its answer, however slow the database is.
    shed : callable
        Told of a request that was refused, or met its deadline unanswered.
    """

    def __init__(self, url: str, *, record_text: bool, deadline: float, shed: Callable[[], None]) -> None:
        from fenlei.monitor.gauges import MonitorGauges
        from fenlei.monitor.recorder import BackgroundRecorder
        from fenlei.monitor.store import PredictionStore

        self._store = PredictionStore(url)
        self._recorder = BackgroundRecorder(self._store, message=_log.warning)
        self._gauges = MonitorGauges(self._store)
        self._record_text = record_text
        self._deadline, self._shed = deadline, shed
        self._worker = Worker("fenlei-recording")  # a thread that never waits for the database
        self._asking = SideWorker("fenlei-database", deadline, _AT_ONCE)  # threads that do
        self._counting = Worker("fenlei-gauges")
        self._counted: asyncio.Future[list[Gauge]] | None = None
        self._figures: list[Gauge] = []
        self._waiting = self._dropped = 0

    @property
    def dropped(self) -> int:
        """Predictions that could not be written down."""
        return int(self._recorder.dropped) + self._dropped

    def record(self, served: ServedModel, texts: list[str], predictions: list[dict[str, Any]], seconds: float) -> None:
        """Hand predictions to the writer; `seconds` is what the answer took, which does not wait for this."""
        now = time.time()
        if len(texts) <= _FEW:
            self._record(served, texts, predictions, now, seconds)
        elif self._waiting >= _MOST_WAITING:
            self._dropped += len(texts)
        else:
            size = sum(map(size_of, texts))
            self._waiting += size
            recorded = self._worker.run(lambda: self._record(served, texts, predictions, now, seconds))
            recorded.add_done_callback(lambda done: self._recorded(done, len(texts), size))

    async def feedback(self, prediction_id: str, truth: str | Sequence[str]) -> bool:
        """Write down what was true; False when there is no such prediction.

        Raises
        ------
        ServeError
            When the database fails, or is too slow.
        """
        since = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._deadline):
                await self._worker.run(lambda: None)  # the writer knows now of all that was answered
        except TimeoutError as error:
            self._shed()
            raise too_late() from error
        asked = self._asking.submit([lambda: self._feedback(prediction_id, truth)], shed=self._shed, since=since)
        return (await asked)[0]

    async def summary(self, served: ServedModel) -> dict[str, Any]:
        """Summarise the last week of a model's predictions, of all its versions.

        Raises
        ------
        ServeError
            When the database fails, or is too slow.
        """
        return (await self._asking.submit([lambda: self._summary(served)], shed=self._shed))[0]

    def gauges(self, models: Sequence[ServedModel]) -> list[Gauge]:
        """Give the figures of the last day as they were counted last, and have them counted anew, aside.

        A database in trouble leaves them as they were.
        """
        from fenlei.monitor.gauges import Watched

        if self._counted is None:
            watched = {served.name: Watched(served.version, served.reference) for served in models}
            self._counted = self._counting.run(lambda: self._gauges.read(watched))
            self._counted.add_done_callback(self._keep)
        return self._figures

    async def close(self, seconds: float) -> None:
        """Write what waits, as far as that takes no longer."""
        self._asking.close()
        self._counting.close()
        until = time.monotonic() + min(seconds, _WRITE_SECONDS)
        written = self._worker.run(lambda: self._end(until))  # behind what it has still to hand over
        await asyncio.wait({written}, timeout=seconds)
        self._worker.close()

    def _end(self, until: float) -> None:
        self._recorder.close(max(0.0, until - time.monotonic()))
        self._store.close()

    def _keep(self, counted: asyncio.Future[list[Gauge]]) -> None:
        self._counted = None
        if (error := counted.exception()) is None:
            self._figures = counted.result()
        else:
            _log.error("the monitor's figures were not counted: %s", type(error).__name__)

    def _feedback(self, prediction_id: str, truth: str | Sequence[str]) -> bool:
        with _told():
            if self._store.feedback(prediction_id, truth):
                return True
            self._recorder.flush(_FLUSH_SECONDS)  # it may be about to be written
            return self._store.feedback(prediction_id, truth)

    def _summary(self, served: ServedModel) -> dict[str, Any]:
        from fenlei.monitor.summary import summarize

        with _told():
            since = max(self._store.first(served.name) or 0.0, time.time() - _WEEK)
            return summarize(self._store, served.reference, model=served.name, since=since).to_dict()

    def _record(
        self, served: ServedModel, texts: list[str], predictions: list[dict[str, Any]], now: float, seconds: float
    ) -> None:
        pairs = zip(texts, predictions, strict=True)
        self._recorder.record([self._one(served, text, one, now, seconds) for text, one in pairs])

    def _recorded(self, done: asyncio.Future[None], n_texts: int, size: int) -> None:
        self._waiting -= size
        if (error := done.exception()) is not None:
            self._dropped += n_texts
            _log.error("%d predictions were not recorded: %s", n_texts, type(error).__name__)

    def _one(
        self, served: ServedModel, text: str, prediction: dict[str, Any], now: float, seconds: float
    ) -> PredictionRecord:
        from fenlei.monitor.records import PredictionRecord, label_text
        from fenlei.monitor.reference import describe_text

        facts = describe_text(text, served.reference)
        labels = [str(label) for label in prediction["labels"]] if "labels" in prediction else str(prediction["label"])
        return PredictionRecord(
            id=prediction["id"], time=now, model=served.name, version=served.version, length=facts.length,
            language=facts.language, label=label_text(labels), score=prediction["score"], milliseconds=1000 * seconds,
            text=text if self._record_text else None, unknown=facts.unknown, abstained="abstained" in prediction,
        )  # fmt: skip


@contextmanager
def _told() -> Iterator[None]:
    """Tell a client of a database in trouble."""
    try:
        yield
    except FenleiError as error:
        _log.error("the monitor's database: %s", error)
        raise ServeError(500, "monitor_failed", "the monitor's database cannot be used; see the log") from error
