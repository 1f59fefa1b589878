"""Digits: their shape without their value."""

from __future__ import annotations

import re

_DIGIT = re.compile(r"\d")


def zero_digits(text: str) -> str:
    """Put 0 for every decimal digit of every script.

    Examples
    --------
    >>> zero_digits("2012年13:45，９折")
    '0000年00:00，0折'
    """
    return _DIGIT.sub("0", text)
