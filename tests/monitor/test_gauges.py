"""Numbers for Prometheus, computed no more often than needed."""

from __future__ import annotations

import time

import pytest

from fenlei.exceptions import UnavailableError
from fenlei.monitor.reference_builder import training_reference

pytest.importorskip("sqlalchemy")

from fenlei.monitor import gauges as module
from fenlei.monitor.gauges import MonitorGauges, Watched, monitor_gauges

REFERENCE = training_reference(["很好", "很差的服务"] * 100, ["好评", "差评"] * 100)


def test_gauges_of_the_last_day(store, record):
    now = time.time()
    store.add([record(f"{i}", time=now - i, label="差评") for i in range(200)])
    store.add([record("old", time=now - 90_000), record("other", time=now, model="other")])
    store.feedback("3", "差评")
    found = monitor_gauges(store, REFERENCE, model="shop")
    by_name = {(gauge.name.removeprefix("fenlei_monitor_"), gauge.labels.get("feature")): gauge for gauge in found}
    values = {key: gauge.value for key, gauge in by_name.items()}
    assert values["predictions", None] == 200
    assert values["psi", "label"] > 1
    assert (values["drifted", "label"], values["drifted", "language"]) == (1, 0)
    assert (values["accuracy", None], values["feedback", None]) == (1, 1)
    assert values["alerts", None] == 2  # lengths and labels
    assert {gauge.labels["model"] for gauge in found} == {"shop"}


def test_they_are_computed_when_they_are_old(store, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "monitor_gauges", lambda *_, **settings: asked.append(settings["model"]) or [])
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now)
    gauges = MonitorGauges(store, most_age=60.0)
    models = {"a": Watched("v1", None), "b": Watched("v2", REFERENCE)}
    for _ in range(5):
        gauges.read(models)
    assert asked == ["a", "b"]
    now += 61
    gauges.read(models)
    assert asked == ["a", "b"] * 2


def test_a_database_in_trouble_leaves_them_as_they_were(store, monkeypatch):
    gauges = MonitorGauges(store, most_age=0.0)
    before = gauges.read({"a": Watched("v1", None)})
    assert before

    def fail(*_, **__):
        raise UnavailableError("locked")

    monkeypatch.setattr(module, "monitor_gauges", fail)
    assert gauges.read({"a": Watched("v1", None)}) == before


def test_one_computes_and_the_others_do_not_wait(store):
    gauges = MonitorGauges(store)
    with gauges._computing:
        assert gauges.read({"a": Watched("v1", None)}) == []
