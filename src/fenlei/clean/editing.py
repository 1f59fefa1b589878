"""How the steps of the cleaner change a text: in a way that lets somebody look on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

Edit: TypeAlias = tuple[int, int, str]
"""``text[begin:end]``, which is not empty, becomes the new text."""
New: TypeAlias = str | Callable[[re.Match[str]], str]


class Editor:
    """Change a text.

    A step that takes something out or puts something in does so through an editor, so that
    `fenlei.clean.alignment.Tracer` can follow. Steps that put one character for another need none.

    Examples
    --------
    >>> Editor().splice("很<b>好", [(1, 4, "")])
    '很好'
    """

    def sub(self, pattern: re.Pattern[str], new: New, text: str, *, whole: Callable[[str], str] | None = None) -> str:
        """Put `new`, or what it makes of a match, for every match, none of which is empty.

        `whole` does the same to a text at once, where there is such a function and it is faster.
        """
        return pattern.sub(new, text) if whole is None else whole(text)

    def splice(self, text: str, edits: Iterable[Edit]) -> str:
        """Apply edits, which come in order and do not overlap."""
        parts: list[str] = []
        at = 0
        for begin, end, new in edits:
            parts += [text[at:begin], new]
            at = end
        return "".join(parts) + text[at:]


EDITOR = Editor()
