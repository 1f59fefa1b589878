"""White space of every kind."""

from __future__ import annotations


def collapse_whitespace(text: str) -> str:
    r"""Put one space for each run of white space, and none at the ends.

    Examples
    --------
    >>> collapse_whitespace(" 很\u3000好\r\n\xa0吃 ")
    '很 好 吃'
    """
    return " ".join(text.split())
