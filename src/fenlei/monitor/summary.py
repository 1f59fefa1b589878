"""What was predicted in a time: how much, how fast, what, how right, and how unlike training."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fenlei.exceptions import SettingError
from fenlei.monitor.accuracy import Accuracy, Confused, accuracy, confusions
from fenlei.monitor.alerts import Alert, Thresholds, find_alerts
from fenlei.monitor.bins import Bins
from fenlei.monitor.drift import Drift
from fenlei.monitor.spans import check_windows, choose_window, first_window

if TYPE_CHECKING:
    from fenlei.monitor._queries import Selection
    from fenlei.monitor._tally import Tally
    from fenlei.monitor.reference import TrainingReference
    from fenlei.monitor.store import PredictionStore

_LENGTHS = (10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)  # where no training says better
_SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

Latency = dict[str, float | None]


@dataclass(frozen=True)
class Window:
    """What was predicted in one window of time.

    Attributes
    ----------
    start : float
        Seconds since 1970.
    n : int
    score : float or None
        Mean.
    abstained : int or None
        None where it was not recorded.
    latency : dict
        ``p50``, ``p90``, ``p95`` and ``p99`` in milliseconds.
    labels : dict of str to int
    accuracy : Accuracy
        Of the predictions of this window, whenever their feedback came.
    """

    start: float
    n: int
    score: float | None
    abstained: int | None
    latency: Latency
    labels: dict[str, int]
    accuracy: Accuracy

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**vars(self), "accuracy": self.accuracy.to_dict()}


@dataclass(frozen=True)
class MonitorSummary:
    """What was predicted in a time.

    Attributes
    ----------
    model, version : str or None
        Which predictions are counted; None: all.
    since, until : float
        Seconds since 1970.
    window : float
        Seconds of each window.
    n : int
    windows : tuple of Window
        All that there are between the first and the last, empty ones too.
    latency : dict
        ``p50``, ``p90``, ``p95`` and ``p99`` in milliseconds.
    score : float or None
        Mean.
    abstained : int or None
    labels, languages : dict of str to int
        The commonest first.
    lengths, scores : Bins
    drift : tuple of Drift
        Empty without a reference.
    n_trained : int or None
    accuracy : Accuracy
    expected_accuracy : float or None
        Measured after training.
    confusions : tuple of Confused
    alerts : tuple of Alert
    """

    model: str | None
    version: str | None
    since: float
    until: float
    window: float
    n: int
    windows: tuple[Window, ...]
    latency: Latency
    score: float | None
    abstained: int | None
    labels: dict[str, int]
    languages: dict[str, int]
    lengths: Bins
    scores: Bins
    drift: tuple[Drift, ...]
    n_trained: int | None
    accuracy: Accuracy
    expected_accuracy: float | None
    confusions: tuple[Confused, ...]
    alerts: tuple[Alert, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        listed = {name: [one.to_dict() for one in getattr(self, name)] for name in ("windows", "drift", "alerts")}
        bins = {name: getattr(self, name).to_dict() for name in ("lengths", "scores")}
        confused = [one._asdict() for one in self.confusions]
        return {**vars(self), **listed, **bins, "accuracy": self.accuracy.to_dict(), "confusions": confused}


def summarize(
    store: PredictionStore,
    reference: TrainingReference | None,
    *,
    model: str | None = None,
    version: str | None = None,
    since: float | None = None,
    until: float | None = None,
    window: float | None = None,
    thresholds: Thresholds | None = None,
) -> MonitorSummary:
    """Count what was predicted in a time, and compare it with training.

    The database does the counting; memory does not grow with the number of predictions.

    Parameters
    ----------
    store : PredictionStore
    reference : TrainingReference or None
        Of the model; without, drift is not told.
    model, version : str, optional
        Count only the predictions of this model, of this version.
    since, until : float, optional
        Seconds since 1970; default: from the first prediction until now.
    window : float, optional
        Seconds; default: a round number, so that there are about 30.
    thresholds : Thresholds, optional
        From where on there are alerts.

    Raises
    ------
    SettingError
        When there would be more than 2,000 windows.
    DataError, UnavailableError
        When the database fails.

    Examples
    --------
    >>> import tempfile
    >>> from fenlei.monitor.records import PredictionRecord
    >>> from fenlei.monitor.store import PredictionStore
    >>> with PredictionStore(tempfile.mkdtemp() + "/monitor.db") as store:
    ...     store.add([PredictionRecord(f"{i}", 1.8e9 + i, "shop", "v1", 4, "zh", "好评", 0.9, 1.2) for i in range(8)])
    ...     _ = [store.feedback(f"{i}", label) for i, label in enumerate(["好评", "好评", "差评"])]
    ...     found = summarize(store, None, since=1.8e9, until=1.8e9 + 60, window=60)
    >>> found.n, found.labels, found.accuracy, found.drift
    (8, {'好评': 8}, Accuracy(right=2, n=3), ())
    """
    from fenlei.monitor import _queries as queries
    from fenlei.monitor._tally import Tally

    limits = thresholds or Thresholds()
    asked = queries.Selection(model, version, _milliseconds(since), _milliseconds(until))
    edges = _edges(reference)
    with store.reading() as connection:
        first, last = _range(queries.span(connection, asked), since, until)
        width = choose_window(last - first) if window is None else window
        check_windows(last - first, width)
        start = first_window(first, width)
        windows = queries.Windows(round(1000 * start), round(1000 * width))
        answers = queries.answers(connection, asked, windows)
        inputs = queries.inputs(connection, asked, windows, **edges)
        latencies = queries.latencies(connection, asked, windows)
        truths = queries.feedback(connection, asked, windows)
    n_windows = math.ceil((last - start) / width) if answers else 0
    tally = Tally(answers, inputs, latencies, truths, n_windows)
    return _put_together(tally, asked, reference, limits, edges, (first, last, start, width))


def _put_together(
    tally: Tally, asked: Selection, reference: TrainingReference | None, limits: Thresholds,
    edges: dict[str, tuple[float, ...]], times: tuple[float, float, float, float],
) -> MonitorSummary:  # fmt: skip
    first, last, start, width = times
    drifts = () if reference is None else tuple(tally.drift(reference, limits))
    right = accuracy(tally.truths)
    expected = _expected(reference)
    return MonitorSummary(
        model=asked.model, version=asked.version, since=first, until=last, window=width, n=tally.n,
        windows=tuple(_windows(tally, start, width)), latency=tally.latency(), score=tally.score(),
        abstained=tally.abstained(), labels=tally.labels(), languages=tally.languages(),
        lengths=Bins(edges["lengths"], tally.lengths(len(edges["lengths"]) + 1)),
        scores=Bins(edges["scores"], tally.scores(len(edges["scores"]) + 1)),
        drift=drifts, n_trained=None if reference is None else reference.n,
        accuracy=right, expected_accuracy=None if expected is None else expected.value,
        confusions=tuple(confusions(tally.truths)),
        alerts=find_alerts(drifts, right, expected, limits),
    )  # fmt: skip


def _windows(tally: Tally, start: float, width: float) -> Sequence[Window]:
    return [
        Window(
            start=start + number * width, n=part.n, score=part.score(), abstained=part.abstained(),
            latency=part.latency(), labels=part.labels(), accuracy=accuracy(part.truths),
        )
        for number, part in enumerate(tally.parts())
    ]  # fmt: skip


def _expected(reference: TrainingReference | None) -> Accuracy | None:
    if reference is None or reference.accuracy is None:
        return None
    return Accuracy(round(reference.accuracy * reference.n_accuracy), reference.n_accuracy)


def _edges(reference: TrainingReference | None) -> dict[str, tuple[float, ...]]:
    if reference is None:
        return {"lengths": _LENGTHS, "unknown": (), "scores": _SCORES}
    scores = _SCORES if reference.scores is None else reference.scores.edges
    return {"lengths": reference.lengths.edges, "unknown": reference.unknown.edges, "scores": scores}


def _range(there: tuple[int, int] | None, since: float | None, until: float | None) -> tuple[float, float]:
    """Give the seconds from the first prediction, or what was asked for, to now, or to the last one after that."""
    now = max(time.time(), there[1] / 1000 + 0.001 if there else 0.0)
    last = now if until is None else until
    first = since if since is not None else there[0] / 1000 if there else last
    if since is not None and until is not None and since > until:
        raise SettingError("the time to look at ends before it begins")
    return min(first, last), last


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else math.ceil(1000 * seconds)
