"""Recording never waits, loses nothing while there is room, and counts what it must drop."""

from __future__ import annotations

import threading
import time

import pytest

from fenlei.exceptions import DataError, UnavailableError
from fenlei.monitor import recorder as module
from fenlei.monitor.recorder import BackgroundRecorder


class Store:
    """Keeps ids; may be made to wait or to fail."""

    def __init__(self):
        self.kept, self.batches, self.trouble = [], [], None
        self.open = threading.Event()
        self.open.set()

    def add(self, records):
        self.open.wait(10)
        if self.trouble is not None:
            raise self.trouble
        self.batches.append(len(records))
        self.kept += [record.id for record in records]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(module, "_GATHER_SECONDS", 0.02)
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.02)


def wait_until(true):
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_everything_is_written_in_order_in_batches(record):
    store = Store()
    with BackgroundRecorder(store) as recorder:
        for i in range(5000):
            recorder.record([record(f"{i}")])
    assert store.kept == [f"{i}" for i in range(5000)]
    assert max(store.batches) <= 1000
    assert len(store.batches) < 500
    assert (recorder.dropped, recorder.written, recorder.waiting) == (0, 5000, 0)


def test_a_real_store(store, record):
    with BackgroundRecorder(store) as recorder:
        recorder.record(record(f"{i}") for i in range(10))
        assert recorder.flush()
        assert store.feedback("3", "差评")
    assert store.models()[0].n == 10


def test_what_does_not_fit_is_dropped_without_waiting(record):
    store = Store()
    store.open.clear()
    recorder = BackgroundRecorder(store, most_waiting=100)
    start = time.perf_counter()
    for i in range(1000):
        recorder.record([record(f"{i}")])
    assert time.perf_counter() - start < 2
    assert (recorder.dropped, recorder.waiting) == (900, 100)
    assert not recorder.flush(timeout=0.05)
    store.open.set()
    recorder.close()
    assert store.kept == [f"{i}" for i in range(100)]


def test_long_texts_are_bounded_by_their_characters(record, monkeypatch):
    monkeypatch.setattr(module, "_MOST_CHARACTERS", 1000)
    store = Store()
    store.open.clear()
    recorder = BackgroundRecorder(store)
    recorder.record([record(f"{i}", text="x" * 300) for i in range(10)])
    assert (recorder.dropped, recorder.waiting) == (7, 3)
    store.open.set()
    assert recorder.flush()
    recorder.record([record("more", text="x" * 900)])  # there is room again
    recorder.close()
    assert (recorder.dropped, store.kept[-1]) == (7, "more")


def test_a_locked_database_is_tried_again_and_told_once(record):
    store, told = Store(), []
    store.trouble = UnavailableError("F.db: database is locked")
    with BackgroundRecorder(store, message=told.append) as recorder:
        recorder.record([record("a")])
        wait_until(lambda: told)
        time.sleep(0.1)
        assert recorder.problem == "F.db: database is locked"
        store.trouble = None
        assert recorder.flush()
        assert recorder.problem is None
    assert store.kept == ["a"]
    assert len(told) == 2
    assert "locked" in told[0]
    assert "written again" in told[1]


def test_closing_while_the_database_is_away_ends_and_counts(record):
    store, told = Store(), []
    store.trouble = UnavailableError("full")
    recorder = BackgroundRecorder(store, message=told.append)
    recorder.record([record(f"{i}") for i in range(2500)])
    wait_until(lambda: told)
    start = time.perf_counter()
    recorder.close()
    assert time.perf_counter() - start < 5
    assert (recorder.dropped, recorder.written, store.kept) == (2500, 0, [])
    recorder.record([record("late")])
    assert recorder.dropped == 2501


def test_closing_does_not_wait_for_a_writer_that_hangs(record):
    store = Store()
    store.open.clear()
    recorder = BackgroundRecorder(store)
    recorder.record([record(f"{i}") for i in range(1500)])
    wait_until(lambda: recorder._in_hand)
    recorder.close(timeout=0.05)
    assert recorder.dropped == 500
    store.open.set()
    recorder._thread.join(5)
    assert len(store.kept) == 1000


@pytest.mark.parametrize("trouble", [DataError("refused"), RuntimeError("a defect")])
def test_what_is_refused_is_dropped_and_the_rest_is_written(record, trouble):
    store, told = Store(), []
    store.trouble = trouble
    with BackgroundRecorder(store, message=told.append) as recorder:
        recorder.record([record("bad")])
        wait_until(lambda: recorder.dropped == 1)
        store.trouble = None
        recorder.record([record("good")])
    assert store.kept == ["good"]
    assert str(trouble) in told[0]


def test_threads_record_at_once(record):
    store = Store()
    with BackgroundRecorder(store) as recorder:
        threads = [
            threading.Thread(target=lambda n=n: [recorder.record([record(f"{n}-{i}")]) for i in range(300)])
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(store.kept)) == 1200
