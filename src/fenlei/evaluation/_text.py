"""Text that can be printed, put into JSON and shown by a browser, whatever it was before."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    r"""Replace control characters and lone surrogates, which no encoder or browser takes, by U+FFFD.

    Examples
    --------
    >>> printable("a\x00b\ud800")
    'a\ufffdb\ufffd'
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def shorten(text: str, length: int) -> str:
    """Cut `text` to at most `length` characters, the last one an ellipsis where something was cut.

    Examples
    --------
    >>> shorten("分类", 2), shorten("classification", 6)
    ('分类', 'class…')
    """
    return text if len(text) <= length else text[: length - 1] + "…"
