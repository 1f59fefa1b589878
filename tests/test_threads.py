"""Work in threads, and its early end."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fenlei import _threads
from fenlei._threads import in_threads


def test_answers_come_in_order(monkeypatch: Any) -> None:
    monkeypatch.setattr(_threads, "n_threads", lambda: 4)
    assert in_threads(lambda i: i * i, list(range(50))) == [i * i for i in range(50)]


def test_a_failure_tells_the_others_to_stop(monkeypatch: Any) -> None:
    monkeypatch.setattr(_threads, "n_threads", lambda: 2)
    stop = threading.Event()

    def work(job: int) -> bool:
        if job == 0:
            raise KeyboardInterrupt
        return stop.wait(timeout=20)

    with pytest.raises(KeyboardInterrupt):
        in_threads(work, [0, 1], stop=stop)
    assert stop.is_set()


def test_a_process_that_shares_the_cores_uses_fewer(monkeypatch: Any) -> None:
    monkeypatch.setattr(_threads, "_limit", None)
    assert _threads.n_threads() >= 1
    _threads.limit_threads(3)
    assert _threads.n_threads() == 3
