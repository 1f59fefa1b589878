"""The monitor's findings as numbers for ``/metrics``, computed once a minute at most."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fenlei.exceptions import FenleiError
from fenlei.monitor.alerts import Thresholds
from fenlei.monitor.summary import MonitorSummary, summarize

if TYPE_CHECKING:
    from fenlei.monitor.reference import TrainingReference
    from fenlei.monitor.store import PredictionStore

_DAY = 86_400.0


@dataclass(frozen=True)
class Gauge:
    """A number for Prometheus, with its labels."""

    name: str
    labels: dict[str, str]
    value: float


class Watched(NamedTuple):
    """A version of a model that is served, and what its training looked like, if that is known."""

    version: str
    reference: TrainingReference | None


def monitor_gauges(
    store: PredictionStore,
    reference: TrainingReference | None,
    *,
    model: str | None = None,
    version: str | None = None,
    span: float = _DAY,
    thresholds: Thresholds | None = None,
) -> list[Gauge]:
    """Compute the gauges of the last `span` seconds, by default a day.

    ``fenlei_monitor_predictions``, ``fenlei_monitor_psi`` and ``fenlei_monitor_drifted`` (0 or 1) by feature,
    ``fenlei_monitor_accuracy`` and ``fenlei_monitor_feedback``, ``fenlei_monitor_expected_accuracy``, and
    ``fenlei_monitor_alerts``. What is not known is left out.

    Parameters
    ----------
    store, reference, model, version, thresholds
        See `fenlei.monitor.summary.summarize`.
    span : float, default 86,400
        Seconds.

    Examples
    --------
    >>> import tempfile
    >>> from fenlei.monitor.store import PredictionStore
    >>> with PredictionStore(tempfile.mkdtemp() + "/monitor.db") as store:
    ...     [(gauge.name, gauge.value) for gauge in monitor_gauges(store, None, model="shop")]
    [('fenlei_monitor_predictions', 0.0), ('fenlei_monitor_feedback', 0.0), ('fenlei_monitor_alerts', 0.0)]
    """
    now = time.time()
    found = summarize(
        store, reference, model=model, version=version, since=now - span, until=now, window=span, thresholds=thresholds
    )
    labels = {"model": model} if model is not None else {}
    return _gauges(found, labels)


class MonitorGauges:
    """The gauges of several models, computed again when they are older than `most_age` seconds.

    Threads that ask while another computes get the numbers of before; a database in trouble leaves them as they were.

    Parameters
    ----------
    store : PredictionStore
    span : float, default 86,400
        Seconds that the gauges look back on.
    most_age : float, default 60
        Seconds.
    thresholds : Thresholds, optional
    """

    def __init__(
        self,
        store: PredictionStore,
        *,
        span: float = _DAY,
        most_age: float = 60.0,
        thresholds: Thresholds | None = None,
    ) -> None:
        self._store = store
        self._span = span
        self._most_age = most_age
        self._thresholds = thresholds
        self._computing = threading.Lock()
        self._made: tuple[float, list[Gauge]] | None = None

    def read(self, models: Mapping[str, Watched]) -> list[Gauge]:
        """Give the gauges of the models that are served, by name."""
        made = self._made
        if made is not None and time.monotonic() - made[0] < self._most_age:
            return made[1]
        if not self._computing.acquire(blocking=False):
            return [] if made is None else made[1]
        try:
            gauges = self._compute(models)
        except FenleiError:
            gauges = [] if made is None else made[1]
        finally:
            self._computing.release()
        self._made = (time.monotonic(), gauges)
        return gauges

    def _compute(self, models: Mapping[str, Watched]) -> list[Gauge]:
        return [
            gauge
            for name, (version, reference) in models.items()
            for gauge in monitor_gauges(
                self._store, reference, model=name, version=version, span=self._span, thresholds=self._thresholds
            )
        ]


def _gauges(found: MonitorSummary, labels: dict[str, str]) -> list[Gauge]:
    gauges = [Gauge("fenlei_monitor_predictions", labels, float(found.n))]
    for drift in found.drift:
        if drift.psi is not None:
            of_feature = {**labels, "feature": drift.feature}
            gauges.append(Gauge("fenlei_monitor_psi", of_feature, drift.psi))
            gauges.append(Gauge("fenlei_monitor_drifted", of_feature, float(drift.verdict == "strong")))
    if found.accuracy.value is not None:
        gauges.append(Gauge("fenlei_monitor_accuracy", labels, found.accuracy.value))
    if found.expected_accuracy is not None:
        gauges.append(Gauge("fenlei_monitor_expected_accuracy", labels, found.expected_accuracy))
    gauges.append(Gauge("fenlei_monitor_feedback", labels, float(found.accuracy.n)))
    gauges.append(Gauge("fenlei_monitor_alerts", labels, float(len(found.alerts))))
    return gauges
