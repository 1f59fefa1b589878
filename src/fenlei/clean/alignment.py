"""Where the characters of a clean text come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fenlei.clean.editing import Edit, Editor, New


@dataclass(frozen=True, eq=False)
class Alignment:
    """A text as it was and as it is now, character by character.

    Attributes
    ----------
    original, text : str
        Before and after.
    begins, ends : arrays of int64, shape (len(text),)
        Character i of `text` was made of ``original[begins[i]:ends[i]]``, which is never empty. Both arrays never fall;
        what was taken out belongs to no character.

    Examples
    --------
    >>> from fenlei.clean.cleaner import Cleaner
    >>> alignment = Cleaner().align("<b>很</b>好 &amp; cheap")
    >>> alignment.text, alignment.span(0, 2), alignment.span(3, 4)
    ('很好 & cheap', (3, 9), (10, 15))
    """

    original: str
    text: str
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def identity(cls, text: str) -> Alignment:
        """Align a text that nothing was done to."""
        places = np.arange(len(text) + 1)
        return cls(text, text, places[:-1], places[1:])

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Give the first place, and the place after the last, of what ``text[begin:end]``, not empty, was made of."""
        return int(self.begins[begin]), int(self.ends[end - 1])


class Tracer(Editor):
    """An editor that remembers where each character comes from.

    What happens to the text between its calls is found out by comparison: if there are as many characters as before,
    each was changed for itself; if not, what lies between the first and the last difference is one edit.

    Parameters
    ----------
    text : str
        Before any change.
    """

    def __init__(self, text: str) -> None:
        self._now = Alignment.identity(text)

    def alignment(self, text: str) -> Alignment:
        """Align the original with what has become of it by now."""
        self._settle(text)
        return self._now

    def sub(self, pattern: re.Pattern[str], new: New, text: str, *, whole: Callable[[str], str] | None = None) -> str:
        """Put `new`, or what it makes of a match, for every match."""
        matches = pattern.finditer(text)
        return self.splice(text, ((m.start(), m.end(), new if isinstance(new, str) else new(m)) for m in matches))

    def splice(self, text: str, edits: Iterable[Edit]) -> str:
        """Apply edits."""
        self._settle(text)
        self._record([(begin, end, new) for begin, end, new in edits if text[begin:end] != new])
        return self._now.text

    def _record(self, edits: list[Edit]) -> None:
        now = self._now
        begins, ends, at = [], [], 0
        for begin, end, new in edits:
            begins += [now.begins[at:begin], np.full(len(new), now.begins[begin])]
            ends += [now.ends[at:begin], np.full(len(new), now.ends[end - 1])]
            at = end
        text = super().splice(now.text, edits)
        self._now = Alignment(
            now.original, text, np.concatenate([*begins, now.begins[at:]]), np.concatenate([*ends, now.ends[at:]])
        )

    def _settle(self, text: str) -> None:
        """Catch up with a text that was changed without us."""
        now = self._now
        if len(now.text) == len(text):
            self._now = Alignment(now.original, text, now.begins, now.ends)
            return
        first = _n_equal(now.text, text)
        last = _n_equal(now.text[first:][::-1], text[first:][::-1])
        begin, end = first, len(now.text) - last
        if begin == end:  # something was put in: what stands beside it takes part
            begin, end, last = (begin - 1, end, last) if begin else (begin, end + 1, last - 1)
        self._record([(begin, end, text[begin : len(text) - last])])


def _n_equal(one: str, other: str) -> int:
    """Count the characters at the beginnings of two texts that are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))
