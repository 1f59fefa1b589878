"""White space of every kind."""

from __future__ import annotations

import re

from fenlei.clean.editing import EDITOR, Editor

_RUN = re.compile(r"\s+")


def collapse_whitespace(text: str, editor: Editor = EDITOR) -> str:
    r"""Put one space for each run of white space, and none at the ends.

    Examples
    --------
    >>> collapse_whitespace(" 很\u3000好\r\n\xa0吃 ")
    '很 好 吃'
    """
    collapsed = _collapse(text)
    return collapsed if len(collapsed) == len(text) else editor.sub(_RUN, _one_space, text, whole=_collapse)


def _collapse(text: str) -> str:
    return " ".join(text.split())


def _one_space(run: re.Match[str]) -> str:
    return "" if run.start() == 0 or run.end() == len(run.string) else " "
