"""A database with a known week in it."""

from __future__ import annotations

import random

import pytest

from fenlei.monitor.bins import UNKNOWN_EDGES, Bins
from fenlei.monitor.records import PredictionRecord
from fenlei.monitor.reference import TrainingReference

START = 1_800_000_000.0  # a moment of 2027
HOUR_START = 1_799_996_400.0  # on the hour, in every zone


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


@pytest.fixture
def records(record):
    """Make 1,200 predictions in four hours, half of them of another model."""
    choose = random.Random(6)
    return [
        record(
            f"{i}", time=HOUR_START + 12 * i, model="ab"[i % 2], length=choose.choice([0, 9, 10, 15, 19, 20, 500]),
            language=choose.choice(["zh", "zh", "en"]), label=choose.choice(["好评", "差评", "差评"]),
            score=choose.choice([0.2, 0.5, 0.7, 0.8, 1.0]), milliseconds=choose.lognormvariate(1, 1),
            unknown=choose.choice([0.0, 0.01, 0.05, 0.2, 1.0]), abstained=choose.choice([False, True]),
        )
        for i in range(1200)
    ]  # fmt: skip


@pytest.fixture
def reference():
    """What training looked like."""
    return TrainingReference(
        n=1000, lengths=Bins((10.0, 20.0), (300, 400, 300)), languages={"zh": 900, "en": 100},
        labels={"好评": 500, "差评": 500}, labels_are_answers=True, multi_label=False,
        scores=Bins((0.5, 0.8), (100, 300, 600)), unknown=Bins(UNKNOWN_EDGES, (900, 0, 50, 50, 0)),
        alphabet=frozenset("好"), accuracy=0.9, n_accuracy=1000,
    )  # fmt: skip
