"""Spans of time as people write them, and windows that start where a person's hours and days do."""

from __future__ import annotations

import re
import time
from datetime import datetime

from fenlei.exceptions import SettingError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhdw])")
_NICE = (60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86_400, 604_800, 30 * 86_400)
_MOST_CHOSEN, MOST_WINDOWS = 36, 2000


def seconds(span: str) -> float:
    """Read a span of time.

    Examples
    --------
    >>> seconds("90m"), seconds("7d"), seconds("1.5h")
    (5400.0, 604800.0, 5400.0)
    """
    found = _SPAN.fullmatch(span.strip().lower())
    if found is None or float(found[1]) <= 0:
        raise SettingError(f"{span!r} is no span of time; write a number and a unit, such as 30m, 12h, 7d or 4w")
    return float(found[1]) * _UNITS[found[2]]


def moment(words: str, *, now: float | None = None) -> float:
    """Read a moment: a span before now, or a date and perhaps a time, of this machine's zone if none is told.

    Examples
    --------
    >>> moment("7d", now=1e9), moment("2026-11-22T12:00:00+00:00")
    (999395200.0, 1795348800.0)
    """
    try:
        return datetime.fromisoformat(words.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    try:
        return (time.time() if now is None else now) - seconds(words)
    except SettingError as error:
        raise SettingError(
            f"{words!r} is no moment; write a span before now, such as 7d, or a date, such as 2026-11-22"
        ) from error


def choose_window(span: float) -> float:
    """Choose the seconds of a window, a round number, so that 36 at most make up `span` seconds.

    Examples
    --------
    >>> choose_window(3600), choose_window(7 * 86_400), choose_window(30 * 86_400)
    (300, 21600, 86400)
    """
    return next((nice for nice in _NICE if span / nice <= _MOST_CHOSEN), _NICE[-1])


def first_window(start: float, width: float) -> float:
    """Give the start of the window in which `start` lies, when days begin at midnight here and weeks on Monday."""
    here = datetime.fromtimestamp(start).astimezone().utcoffset()
    offset = here.total_seconds() if here is not None else 0.0
    monday = 4 * _UNITS["d"]  # 1970 began on a Thursday
    shift = offset - (monday if width % _UNITS["w"] == 0 else 0)
    return (start + shift) // width * width - shift


def check_windows(span: float, width: float) -> None:
    """Refuse windows that nobody could look at.

    Raises
    ------
    SettingError
    """
    if not width >= 1:
        raise SettingError(f"a window of {width:g} seconds is too short; the least is 1s")
    if span / width > MOST_WINDOWS:
        raise SettingError(f"{span / width:,.0f} windows are too many; make them longer, or look at a shorter time")
