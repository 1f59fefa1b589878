"""Predictions go to the monitor, their true labels too, and raw text only if asked."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from fenlei.serve.app import create_app
from fenlei.serve.settings import ServeSettings

pytest.importorskip("sqlalchemy", reason="needs the extra monitor")


def rows(file, table):
    with closing(sqlite3.connect(file)) as database:
        return database.execute(f"select * from {table}").fetchall()


async def figures_of(one):
    """Give the figures, once those of the monitor are counted."""
    while "fenlei_monitor_predictions" not in (figures := (await one.get("/metrics")).text):
        await asyncio.sleep(0.01)
    return figures


@pytest.mark.parametrize("record_text", [False, True])
def test_predictions_feedback_and_summary(serving, toys, run, tmp_path, record_text):
    file = tmp_path / "monitor.db"

    async def work():
        settings = {"monitor": str(file), "record_text": record_text, "abstain_below": 0.6}
        async with serving(toys.ToyClassifier(), **settings) as one:
            single = (await one.post("/predict", {"input": "保密的 text"})).json()
            many = (await one.post("/v1/predict", {"inputs": [f"text {i}" for i in range(30)]})).json()["predictions"]
            for prediction, label in ((single, "hi"), (many[29], "lo")):
                told = await one.post("/feedback", {"id": prediction["id"], "label": label})
                assert (told.status_code, told.json()) == (200, {"status": "recorded"})
            unknown = await one.post("/feedback", {"id": "none", "label": "hi"})
            assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_prediction")
            summary = (await one.get("/v1/monitor")).json()
            return summary, await figures_of(one)

    summary, figures = run(work())
    assert summary["n"] == 31
    assert 'fenlei_monitor_predictions{model="toy"} 31.0' in figures
    assert "fenlei_monitor_dropped 0.0" in figures
    stored = file.read_bytes() + b"".join(path.read_bytes() for path in tmp_path.glob("monitor.db-*"))
    assert ("保密的".encode() in stored) is record_text


def test_drift_and_lost_accuracy_are_told(drifting, running_app, run, tmp_path):
    settings = ServeSettings({"hotel": drifting.folder}, monitor=str(tmp_path / "monitor.db"))

    async def work():
        async with running_app(create_app(settings)) as one:
            found = (await one.post("/predict", {"inputs": drifting.drifted})).json()["predictions"]
            for prediction in found[:40]:
                told = await one.post("/feedback", {"id": prediction["id"], "label": "neither"})
                assert told.status_code == 200
            return (await one.get("/v1/monitor")).json(), await figures_of(one)

    summary, figures = run(work())
    drift = {one["feature"]: one for one in summary["drift"]}
    assert drift.keys() == {"length", "language", "unknown", "label", "score"}
    assert (drift["language"]["verdict"], drift["language"]["n"], drift["language"]["n_reference"]) == (
        "strong", 200, 300,
    )  # fmt: skip
    assert {one["name"]: one["now"] for one in drift["language"]["bins"]} == {"zh": 0, "en": 1}
    assert {alert["kind"] for alert in summary["alerts"]} == {"drift", "accuracy"}
    assert (summary["accuracy"]["accuracy"], summary["expected_accuracy"]) == (0, 1)
    values = {key: float(value) for key, value in re.findall(r"^fenlei_monitor_(\S+) (\S+)$", figures, re.MULTILINE)}
    assert values['psi{feature="language",model="hotel"}'] == pytest.approx(drift["language"]["psi"])
    for feature, one in drift.items():
        assert values[f'drifted{{feature="{feature}",model="hotel"}}'] == (one["verdict"] == "strong")
    assert values['alerts{model="hotel"}'] == len(summary["alerts"]) > 2
    assert (values['accuracy{model="hotel"}'], values['expected_accuracy{model="hotel"}']) == (0, 1)
    assert (values['feedback{model="hotel"}'], values['predictions{model="hotel"}']) == (40, 200)


def test_a_database_in_trouble_is_told_and_answers_go_on(serving, toys, run, tmp_path, monkeypatch):
    from fenlei.exceptions import UnavailableError
    from fenlei.monitor.store import PredictionStore

    def broken(*args, **more):
        raise UnavailableError("monitor.db: is locked")

    async def work():
        async with serving(toys.ToyClassifier(), monitor=str(tmp_path / "monitor.db")) as one:
            with monkeypatch.context() as patch:
                for name in ("add", "feedback", "reading"):
                    patch.setattr(PredictionStore, name, broken)
                assert (await one.post("/predict", {"input": "a"})).status_code == 200
                told = await one.post("/feedback", {"id": "a", "label": "hi"})
                assert (told.status_code, told.json()["error"]["code"]) == (500, "monitor_failed")
                assert (await one.get("/v1/monitor")).status_code == 500
                assert (await one.get("/metrics")).status_code == 200

    run(work())


def many(n=20):
    return {"inputs": [f"text {i}" for i in range(n)]}


@pytest.fixture
def describing(monkeypatch):
    """Describing a text waits for this."""
    from fenlei.monitor import reference

    may_go, describe = threading.Event(), reference.describe_text

    def slowly(*args):
        may_go.wait(2)
        return describe(*args)

    monkeypatch.setattr(reference, "describe_text", slowly)
    return may_go


@pytest.fixture
def locked(monkeypatch):
    """The database answers nothing before this; `asked` is what asks it."""
    from fenlei.monitor.store import PredictionStore

    unlocked = threading.Event()
    unlocked.asked = []

    def wait(*args, **more):
        unlocked.asked.append(args)
        return unlocked.wait(30)

    monkeypatch.setattr(PredictionStore, "feedback", wait)
    monkeypatch.setattr("fenlei.monitor.gauges.monitor_gauges", lambda *args, **more: unlocked.wait(30) and [])
    yield unlocked
    unlocked.set()


def test_nothing_else_waits_for_a_locked_database_and_little_waits_itself(serving, toys, run, tmp_path, locked):
    async def work():
        async with serving(toys.ToyClassifier(), monitor=str(tmp_path / "monitor.db")) as one:

            def tell(n):
                return [asyncio.create_task(one.post("/feedback", {"id": "a", "label": "hi"})) for _ in range(n)]

            async with asyncio.timeout(5):
                told = tell(4)
                while len(locked.asked) < 4:
                    await asyncio.sleep(0.01)
                told += tell(36)
                while sum(feedback.done() for feedback in told) < 28:  # eight wait
                    await asyncio.sleep(0.01)
                assert (await one.post("/predict", many())).status_code == 200
                for _ in range(3):
                    figures = (await one.get("/metrics")).text
            assert 'fenlei_refused_requests_total{reason="monitor"} 28.0' in figures
            locked.set()
            assert sorted([(await feedback).status_code for feedback in told]) == [200] * 12 + [429] * 28

    run(work())
    assert len(rows(tmp_path / "monitor.db", "fenlei_predictions")) == 20


def test_a_locked_database_is_waited_for_until_the_deadline(serving, toys, run, tmp_path, locked):
    async def work():
        settings = {"monitor": str(tmp_path / "monitor.db"), "limits": {"deadline": 0.1}}
        async with serving(toys.ToyClassifier(), **settings) as one:
            late = await one.post("/feedback", {"id": "a", "label": "hi"})
            assert (late.status_code, late.json()["error"]["code"]) == (429, "deadline")

    run(work())


def test_the_figures_are_those_of_before_until_they_are_counted_anew(serving, toys, run, tmp_path, monkeypatch):
    from fenlei.monitor.gauges import Gauge, MonitorGauges

    values, may_count = iter(range(1, 100)), threading.Semaphore(1)

    def read(self, models):
        may_count.acquire(timeout=30)
        return [Gauge("fenlei_monitor_predictions", {"model": "toy"}, float(next(values)))]

    monkeypatch.setattr(MonitorGauges, "read", read)

    async def work():
        async with serving(toys.ToyClassifier(), monitor=str(tmp_path / "monitor.db")) as one:
            for value in (1, 2):
                assert f'fenlei_monitor_predictions{{model="toy"}} {value}.0' in await figures_of(one)
                assert f'fenlei_monitor_predictions{{model="toy"}} {value}.0' in (await one.get("/metrics")).text
                may_count.release()
                while one.service.recording.gauges([])[0].value == value:
                    await asyncio.sleep(0.01)

    run(work())


def test_a_defect_of_the_figures_is_told_and_keeps_them(serving, toys, run, tmp_path, monkeypatch, caplog):
    from fenlei.monitor.gauges import MonitorGauges

    async def work():
        async with serving(toys.ToyClassifier(), monitor=str(tmp_path / "monitor.db")) as one:
            before = await figures_of(one)
            assert 'fenlei_monitor_predictions{model="toy"} 0.0' in before
            monkeypatch.setattr(MonitorGauges, "read", None)
            while "were not counted: TypeError" not in caplog.text:
                assert 'fenlei_monitor_predictions{model="toy"} 0.0' in (await one.get("/metrics")).text
                await asyncio.sleep(0.01)

    run(work())


def test_the_end_waits_for_the_database_no_longer_than_there_is_time(serving, toys, run, tmp_path, monkeypatch):
    from fenlei.monitor.store import PredictionStore
    from fenlei.serve import batching, server, settings

    unlocked = threading.Event()
    monkeypatch.setattr(PredictionStore, "add", lambda *args: unlocked.wait(30))

    async def work():
        async with serving(toys.ToyClassifier(), monitor=str(tmp_path / "monitor.db")) as one:
            assert (await one.post("/predict", {"input": "a"})).status_code == 200
            one.service.drains_since = time.monotonic() - settings.LONGEST_END + 0.2

    run(asyncio.wait_for(work(), 8))
    unlocked.set()
    assert settings.LONGEST_BODY + settings.LONGEST_DEADLINE < server._LONGEST_DRAIN
    assert server._LONGEST_DRAIN + server._CUT_OFF + batching._PATIENCE < settings.LONGEST_END < 30


def test_what_was_answered_is_recorded_at_the_end(serving, toys, run, tmp_path, describing):
    async def work():
        async with serving(toys.ToyClassifier(), monitor=str(tmp_path / "monitor.db")) as one:
            for _ in range(5):
                assert (await one.post("/predict", many())).status_code == 200
            threading.Timer(0.2, describing.set).start()

    run(work())
    assert len(rows(tmp_path / "monitor.db", "fenlei_predictions")) == 100


def test_feedback_finds_what_was_just_answered(serving, toys, run, tmp_path, describing):
    async def work():
        async with serving(toys.ToyClassifier(), monitor=str(tmp_path / "monitor.db")) as one:
            found = (await one.post("/predict", many())).json()["predictions"]
            threading.Timer(0.2, describing.set).start()
            assert (await one.post("/feedback", {"id": found[0]["id"], "label": "hi"})).status_code == 200

    run(work())


def test_what_waits_to_be_recorded_is_limited_and_the_rest_counted(
    serving, toys, run, tmp_path, describing, monkeypatch
):
    monkeypatch.setattr("fenlei.serve.recording._MOST_WAITING", 30)

    async def work():
        async with serving(toys.ToyClassifier(), monitor=str(tmp_path / "monitor.db")) as one:
            for _ in range(4):
                assert (await one.post("/predict", many())).status_code == 200
            assert one.service.recording.dropped == 40
            describing.set()

    run(work())
    assert len(rows(tmp_path / "monitor.db", "fenlei_predictions")) == 40


def test_what_cannot_be_described_is_counted(serving, toys, run, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("fenlei.monitor.reference.describe_text", None)

    async def work():
        async with serving(toys.ToyClassifier(), monitor=str(tmp_path / "monitor.db")) as one:
            assert (await one.post("/predict", many())).status_code == 200
            while not (dropped := one.service.recording.dropped):
                await asyncio.sleep(0.01)
            assert dropped == 20

    run(work())
    assert "20 predictions were not recorded: TypeError" in caplog.text


def test_a_file_that_is_no_database_is_refused_at_the_start(toys, tmp_path):
    from pathlib import Path

    from fenlei.exceptions import DataError
    from fenlei.serve.loading import Loaded

    file = tmp_path / "monitor.db"
    file.write_text("text " * 1000)
    with pytest.raises(DataError):
        create_app(
            ServeSettings({"toy": Path("toy")}, monitor=str(file)), lambda folder: Loaded(toys.ToyClassifier(), "v1")
        )
