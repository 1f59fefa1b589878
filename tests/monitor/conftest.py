"""A database with a known week in it."""

from __future__ import annotations

import pytest

from fenlei.monitor.records import PredictionRecord

START = 1_800_000_000.0  # a moment of 2027


@pytest.fixture
def record():
    """Make a prediction record; every field but the id may be left out."""

    def make(name, **changed):
        facts = {"time": START, "model": "shop", "version": "v1", "length": 5, "language": "zh", "label": "好评"}
        return PredictionRecord(id=name, **(facts | {"score": 0.9, "milliseconds": 2.0} | changed))

    return make


@pytest.fixture
def store(tmp_path):
    pytest.importorskip("sqlalchemy")
    from fenlei.monitor.store import PredictionStore

    with PredictionStore(str(tmp_path / "monitor.db")) as opened:
        yield opened
