"""Intervals against scipy, and when a drop is an alert."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from fenlei.exceptions import SettingError
from fenlei.monitor.accuracy import Accuracy, Confused, accuracy, confusions, surely_lost, wilson
from fenlei.monitor.alerts import Thresholds, find_alerts


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_that_of_scipy(pair):
    right, n = pair
    theirs = binomtest(right, n).proportion_ci(method="wilson")
    assert wilson(right, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


ROWS = [(0, "a", "a", 6), (0, "a", "b", 3), (1, "b", "a", 1), (1, '["x", "y"]', '["x"]', 1)]


def test_rows_are_counted():
    assert accuracy(ROWS) == Accuracy(6, 11)
    assert Accuracy(0, 0).to_dict() == {"n": 0, "right": 0, "accuracy": None, "interval": None}
    assert confusions(ROWS) == [
        Confused("a", "b", 3, 3 / 9), Confused("b", "a", 1, 1.0), Confused("x, y", "x", 1, 1.0)
    ]  # fmt: skip


def test_one_label_is_the_same_as_a_list_of_it():
    rows = [(0, "joy", '["joy"]', 4), (0, '["joy"]', "joy", 2), (0, '["joy"]', '["anger"]', 1), (0, "joy", "anger", 1)]
    assert accuracy(rows) == Accuracy(6, 8)
    assert confusions(rows) == [Confused("joy", "anger", 2, 2 / 8)]


@pytest.mark.parametrize(
    ("right", "n", "expected", "fires"),
    [
        (80, 100, 0.95, True),
        (91, 100, 0.95, False),  # four points
        (44, 50, 0.94, False),  # six points, which chance could do
        (880, 1000, 0.94, True),
        (10, 29, 0.95, False),  # too few
        (10, 30, 0.95, True),
        (10, 100, None, False),
        (100, 100, 0.9, False),
    ],
)
def test_a_drop_must_be_large_and_no_chance(right, n, expected, fires):
    before = None if expected is None else Accuracy(round(1000 * expected), 1000)
    found = find_alerts([], Accuracy(right, n), before, Thresholds())
    assert bool(found) == fires
    if fires:
        assert (found[0].kind, found[0].n) == ("accuracy", n)
        assert found[0].value == pytest.approx(expected - right / n)


def test_a_drop_from_what_was_hardly_measured_is_no_alert():
    assert not find_alerts([], Accuracy(80, 100), Accuracy(10, 10), Thresholds())
    assert not find_alerts([], Accuracy(80, 100), Accuracy(0, 0), Thresholds())


def test_the_interval_of_a_difference_is_that_of_the_article():
    """Newcombe's example (a), 56/70 - 48/80: 0.0524 to 0.3339."""
    assert surely_lost(Accuracy(56, 70), Accuracy(48, 80)) == pytest.approx(0.0524, abs=5e-5)
    assert surely_lost(Accuracy(22, 80), Accuracy(14, 70)) < 0


@pytest.mark.parametrize("bad", [{"psi": 0}, {"psi": float("nan")}, {"drop": 1.5}, {"significance": 0}])
def test_thresholds_must_be_in_their_range(bad):
    with pytest.raises(SettingError, match="thresholds"):
        Thresholds(**bad)
