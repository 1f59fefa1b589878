"""What Prometheus is told: counts, and how long the parts of an answer take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

if TYPE_CHECKING:
    from fenlei.monitor.gauges import Gauge as MonitorGauge
    from fenlei.serve.served import ServedModel

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_MODEL = ("model",)


class Metrics:
    """The figures of one service; every name begins with ``fenlei_``."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self.requests = Counter(
            "fenlei_requests", "Requests answered", ("route", "method", "status"), registry=registry
        )
        self.seconds = Histogram(
            "fenlei_request_seconds", "From a request to its answer", ("route",), buckets=_SECONDS, registry=registry
        )
        self.stages = Histogram(
            "fenlei_stage_seconds", "Of a request in the queue; of a batch in tokenize and inference",
            ("model", "stage"), buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.batches = Histogram("fenlei_batch_texts", "Texts of a batch", _MODEL, buckets=_TEXTS, registry=registry)
        self.predictions = Counter(
            "fenlei_predictions", "Labels given; several a text for multi-label models", ("model", "label"),
            registry=registry,
        )  # fmt: skip
        self.abstentions = Counter(
            "fenlei_abstentions", "Predictions below the score to abstain at", _MODEL, registry=registry
        )
        self.shed = Counter("fenlei_shed_requests", "Requests refused under load", _MODEL, registry=registry)
        self.refused = Counter(
            "fenlei_refused_requests", "Requests refused by other than a model", ("reason",), registry=registry
        )
        self.left = Counter("fenlei_left_requests", "Requests whose client left", registry=registry)
        self.model_errors = Counter("fenlei_model_errors", "Errors of the model", _MODEL, registry=registry)
        self.reloads = Counter("fenlei_reloads", "New versions loaded, or not", ("model", "outcome"), registry=registry)
        self.waiting = Gauge("fenlei_queue_texts", "Size of the texts that wait", _MODEL, registry=registry)
        self.ready = Gauge("fenlei_model_ready", "1: scores a text when asked to", _MODEL, registry=registry)
        self.info = Gauge("fenlei_model_info", "1 for the version in service", ("model", "version", "family"),
                          registry=registry)  # fmt: skip
        self.dropped = Gauge("fenlei_monitor_dropped", "Predictions that the monitor could not write down",
                             registry=registry)  # fmt: skip

        self.monitored = _Monitored()
        registry.register(self.monitored)

    def batch(self, model: str, n_texts: int, tokenize: float, inference: float) -> None:
        """Count a batch and the seconds of its stages."""
        self.batches.labels(model).observe(n_texts)
        self.stages.labels(model, "tokenize").observe(tokenize)
        self.stages.labels(model, "inference").observe(inference)

    def put_in_service(self, served: ServedModel, old: ServedModel | None) -> None:
        """Tell which version answers from now on."""
        if old is not None:
            self.info.remove(old.name, old.version, old.model.family)
        self.info.labels(served.name, served.version, served.model.family).set(1)
        self.ready.labels(served.name).set(1)
        for counter in (self.shed, self.abstentions, self.model_errors):
            counter.labels(served.name)  # of 0: a series that begins with its first event shows no increase by it
        self.reloads.labels(served.name, "failed")
        self.waiting.labels(served.name).set_function(lambda: served.batcher.waiting)

    def render(self) -> bytes:
        """Write all in Prometheus' text format."""
        return generate_latest(self.registry)


class _Monitored:
    """The monitor's figures, as they were last read."""

    def __init__(self) -> None:
        self.gauges: Sequence[MonitorGauge] = ()

    def collect(self) -> Iterator[Metric]:
        found: dict[str, GaugeMetricFamily] = {}
        for one in self.gauges:
            names = sorted(one.labels)
            family = found.setdefault(one.name, GaugeMetricFamily(one.name, "Of the last day", labels=names))
            family.add_metric([one.labels[name] for name in names], one.value)
        yield from found.values()
