"""Characters as tokens: needs no dictionary, suits Chinese, never meets an unknown word."""

from __future__ import annotations

from collections.abc import Callable

from fenlei.segment.segmenter import Segmenter


class CharSegmenter(Segmenter):
    """Every character but white space is a token, Latin letters and halves of an emoji sequence too.

    Examples
    --------
    >>> CharSegmenter().transform(["很 好！", "ok"])
    [['很', '好', '！'], ['o', 'k']]
    """

    name = "char"

    def cutter(self) -> Callable[[str], list[str]]:
        """Return the function that cuts one text."""
        return _characters


def _characters(text: str) -> list[str]:
    return list("".join(text.split()))
