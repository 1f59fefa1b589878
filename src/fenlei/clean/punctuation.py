"""Punctuation of all scripts, and ASCII's symbols."""

from __future__ import annotations

import re
import string
import unicodedata

_CANDIDATE = re.compile(r"[^\w\s]|_")
_ASCII = frozenset(string.punctuation)


def remove_punctuation(text: str) -> str:
    """Put a space for each punctuation character; emoji, "→" and "★" are symbols and stay.

    Examples
    --------
    >>> remove_punctuation("《好》：3.5分，C++ 👍")
    ' 好  3 5分 C   👍'
    """
    return _CANDIDATE.sub(_space_for_punctuation, text)


def _space_for_punctuation(match: re.Match[str]) -> str:
    character = match[0]
    return " " if character in _ASCII or unicodedata.category(character)[0] == "P" else character
