"""Spans, moments and windows as a person means them."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from fenlei.exceptions import SettingError
from fenlei.monitor.spans import check_windows, choose_window, first_window, moment, seconds

DAY = 86_400


@pytest.fixture
def shanghai(monkeypatch):
    if not hasattr(time, "tzset"):
        pytest.skip("the zone cannot be set here")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("span", "wanted"), [("30s", 30), (" 2 W ", 14 * DAY), ("0.5d", DAY / 2)])
def test_spans(span, wanted):
    assert seconds(span) == wanted


@pytest.mark.parametrize("span", ["", "7", "d", "0d", "-1d", "1y", "1d2h", "nan d", "١d x"])
def test_what_is_no_span(span):
    with pytest.raises(SettingError, match="no span of time"):
        seconds(span)


def test_moments(shanghai):
    assert moment("2026-11-22") == datetime.fromisoformat("2026-11-21T16:00+00:00").timestamp()
    assert moment("1h", now=5000.0) == 1400
    with pytest.raises(SettingError, match="no moment"):
        moment("yesterday")


def test_days_begin_at_midnight_and_weeks_on_monday(shanghai):
    at = datetime.fromisoformat("2026-11-22T15:30:00+08:00").timestamp()  # a Sunday
    named = {span: datetime.fromtimestamp(first_window(at, seconds(span))).isoformat() for span in ("1h", "1d", "1w")}
    assert named == {"1h": "2026-11-22T15:00:00", "1d": "2026-11-22T00:00:00", "1w": "2026-11-16T00:00:00"}


@pytest.mark.parametrize("span", [1, 100, 5000, DAY, 7 * DAY, 90 * DAY, 1000 * DAY])
def test_a_chosen_window_gives_a_few(span):
    assert span / choose_window(span) <= 36


@pytest.mark.parametrize(("span", "width"), [(DAY, 1), (100, 0.5), (100, 0), (100, float("nan"))])
def test_windows_that_nobody_could_look_at(span, width):
    with pytest.raises(SettingError, match="too"):
        check_windows(span, width)
