"""A summary against the same counts taken in plain Python."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fenlei.exceptions import SettingError
from fenlei.monitor.accuracy import Accuracy
from fenlei.monitor.alerts import Thresholds
from fenlei.monitor.drift import psi

pytest.importorskip("sqlalchemy")

from fenlei.monitor.summary import summarize

START, HOUR = 1_799_996_400.0, 3600.0  # on the hour, in every zone


@pytest.fixture
def ask(reference):
    """Summarize the four hours, or what else is asked."""

    def found(store, reference=reference, **asked):
        return summarize(store, reference, **({"since": START, "until": START + 4 * HOUR, "window": HOUR} | asked))

    return found


def test_counts_are_those_of_plain_python(store, records, ask):
    store.add(records)
    found = ask(store, model="a")
    mine = [one for one in records if one.model == "a"]
    assert found.n == len(mine) == 600
    assert found.labels == dict(Counter(one.label for one in mine).most_common())
    assert found.languages == dict(Counter(one.language for one in mine).most_common())
    assert found.abstained == sum(one.abstained for one in mine)
    assert found.score == pytest.approx(np.mean([one.score for one in mine]))
    for name, bins in (("length", found.lengths), ("score", found.scores)):
        assert list(bins.counts) == np.bincount([bins.place(getattr(one, name)) for one in mine]).tolist()
    wanted = np.percentile([one.milliseconds for one in mine], [50, 90, 95, 99])
    assert list(found.latency.values()) == pytest.approx(wanted.tolist(), rel=0.05)


def test_windows_are_summaries_of_their_own(store, records, ask):
    store.add(records)
    found = ask(store)
    assert [window.start for window in found.windows] == [START + i * HOUR for i in range(4)]
    for window in found.windows:
        alone = ask(store, since=window.start, until=window.start + HOUR)
        same = ("n", "score", "abstained", "latency", "labels", "accuracy")
        assert {name: getattr(window, name) for name in same} == {name: getattr(alone, name) for name in same}
        assert window.n == 300


def test_drift_is_that_of_the_counts(store, records, ask):
    store.add(records)
    found = {drift.feature: drift for drift in ask(store).drift}
    assert list(found) == ["length", "language", "unknown", "label", "score"]
    lengths = [sum(one.length < 10 for one in records), sum(10 <= one.length < 20 for one in records)]
    lengths.append(1200 - sum(lengths))
    assert found["length"].counted.now == tuple(lengths)
    assert found["length"].psi == pytest.approx(psi((300, 400, 300), lengths))
    unknown = Counter(one.unknown for one in records)
    assert found["unknown"].counted.now == (unknown[0.0], 0, unknown[0.01], unknown[0.05], unknown[0.2] + unknown[1.0])
    assert found["score"].counted.now == tuple(
        sum(low <= one.score < high for one in records) for low, high in ((0, 0.5), (0.5, 0.8), (0.8, 2))
    )
    assert found["label"].counted.then == (500, 500)
    for place, window in enumerate(ask(store).windows):
        there = [one for one in records if window.start <= one.time < window.start + HOUR]
        zh = sum(one.language == "zh" for one in there)
        assert found["language"].psi_over_time[place] == pytest.approx(psi((900, 100), (zh, len(there) - zh)))


def test_accuracy_by_the_window_of_the_prediction(store, records, ask):
    store.add(records)
    right = 0
    for place, one in enumerate(records[:400]):
        truth = one.label if place % 4 else "差评"
        right += truth == one.label
        store.feedback(one.id, truth, time=START + 100 * HOUR)
    found = ask(store)
    assert found.accuracy == Accuracy(right, 400)
    assert [window.accuracy.n for window in found.windows] == [300, 100, 0, 0]
    assert {(pair.true, pair.given, pair.times) for pair in found.confusions} == {("差评", "好评", 400 - right)}
    assert found.expected_accuracy == 0.9


def test_several_labels_count_each_and_are_right_as_a_set(store, record, ask, reference):
    given = [["joy", "anger"], ["joy"], [], ["joy", "anger"]]
    store.add([record(f"{i}", time=START, label=json.dumps(labels)) for i, labels in enumerate(given)])
    for i, truth in enumerate([["anger", "joy"], ["joy", "anger"], [], ["joy"]]):
        store.feedback(f"{i}", truth)
    found = ask(store, replace(reference, multi_label=True, scores=None, labels={"joy": 3, "anger": 2}))
    assert found.labels == {"joy": 3, "anger": 2}
    assert found.accuracy == Accuracy(2, 4)
    assert {(pair.true, pair.given) for pair in found.confusions} == {("anger, joy", "joy"), ("joy", "anger, joy")}
    assert {drift.verdict for drift in found.drift} == {"too few to say"}


def test_alerts_of_drift_and_of_accuracy(store, records, ask):
    store.add(records)
    for one in records:
        store.feedback(one.id, "好评")
    found = ask(store)
    fired = {alert.feature for alert in found.alerts}
    assert "accuracy" in fired
    assert fired - {"accuracy"} == {drift.feature for drift in found.drift if drift.verdict == "strong"} != set()
    assert ask(store, thresholds=Thresholds(psi=50, drop=1)).alerts == ()
    assert ask(store, None).alerts == ()


def test_nothing_recorded_and_a_part_not_recorded(store, record, ask, reference):
    empty = summarize(store, reference)
    assert (empty.n, empty.windows, empty.score, empty.latency["p50"], empty.alerts) == (0, (), None, None, ())
    assert empty.accuracy.value is None
    store.add([record("a", time=START, score=float("nan"))])
    found = ask(store)
    assert (found.n, found.score, found.abstained) == (1, None, None)
    assert [window.n for window in found.windows] == [1, 0, 0, 0]
    assert "unknown" not in {drift.feature for drift in found.drift}


def test_without_times_it_is_all_there_is_in_a_few_windows(store, records):
    store.add(records)
    found = summarize(store, None)
    assert found.n == 1200
    assert found.since == START
    assert 1 <= len(found.windows) <= 2000
    assert found.drift == ()
    assert found.n_trained is None


def test_bad_times_are_refused(store, records, ask):
    store.add(records[:5])
    with pytest.raises(SettingError, match="ends before it begins"):
        ask(store, since=START + HOUR, until=START)
    with pytest.raises(SettingError, match="windows are too many"):
        ask(store, window=1.0)


def test_plain_values_are_json(store, records, ask):
    store.add(records)
    store.feedback("3", "差评")
    plain = json.loads(json.dumps(ask(store).to_dict(), allow_nan=False))
    assert plain["n"] == 1200
    assert plain["drift"][0]["bins"][0]["name"] == "≤ 9"
    assert plain["windows"][0]["accuracy"]["n"] == 1
    assert plain["lengths"] == {"edges": [10.0, 20.0], "counts": plain["lengths"]["counts"]}


def test_whole_numbers_that_a_database_gives_as_decimals():
    from decimal import Decimal

    from fenlei.monitor._queries import _rows

    class Connection:
        def execute(self, query):
            return [(Decimal(0), "好评", 3, 2.5, Decimal(1), None)]

    assert _rows(Connection(), None) == [(0, "好评", 3, 2.5, 1, None)]
    assert type(_rows(Connection(), None)[0][0]) is int
