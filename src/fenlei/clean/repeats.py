"""Runs of one character, as people lengthen them: "哈哈哈哈哈哈", "goooood", "！！！！！"."""

from __future__ import annotations

import re
from functools import cache

from fenlei.clean.editing import EDITOR, Editor


def cut_repeats(text: str, longest: int, editor: Editor = EDITOR) -> str:
    """Cut each run of one character to `longest`; digits are exempt, since 10000 is not 100.

    Examples
    --------
    >>> cut_repeats("哈哈哈哈哈哈 goooood 10000", 3)
    '哈哈哈 goood 10000'
    """
    return editor.sub(_runs(longest), lambda match: match[1] * longest, text)


@cache
def _runs(longest: int) -> re.Pattern[str]:
    return re.compile(rf"(\D)\1{{{longest},}}", re.DOTALL)
