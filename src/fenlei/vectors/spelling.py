"""The error for a word that there is no vector of, with the nearest spellings among hundreds of thousands."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Iterable, Sequence

from fenlei.exceptions import UnknownNameError

_LOOKED_AT, _SHOWN = 200, 5
_FURTHEST = 2  # characters that a near word may be longer or shorter
_LEAST = 0.5  # likeness; two Chinese characters of which one is right have it


class UnknownWordError(UnknownNameError):
    """A word that there is no vector of; lists the nearest spellings, not all the known words.

    Examples
    --------
    >>> print(UnknownWordError("word", "flim", ["film"]))
    unknown word 'flim'; the nearest in spelling: film
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(kind, name, known := list(known))
        self.known = known  # nearest first
        near = f"; the nearest in spelling: {', '.join(self.known)}" if self.known else ""
        self.args = (f"unknown {kind} {name!r}{near}",)


def unknown_word(word: str, tokens: Sequence[str]) -> UnknownWordError:
    """Make the error for a word that is not in `tokens`."""
    return UnknownWordError("word", word, near_spellings(word, tokens))


def near_spellings(word: str, tokens: Sequence[str]) -> list[str]:
    """Find up to five tokens spelled like `word`.

    `difflib` takes seconds for a large vocabulary, so it sees only the words that share the most characters.

    Examples
    --------
    >>> near_spellings("flim", ["film", "films", "厨房", "milk"])
    ['film', 'films']
    """
    letters = set(word.lower())

    def shared(token: str) -> float:
        return len(letters & set(token)) / (len(letters) + len(token))

    candidates = (token for token in tokens if abs(len(token) - len(word)) <= _FURTHEST and letters & set(token))
    return difflib.get_close_matches(word, heapq.nlargest(_LOOKED_AT, candidates, key=shared), n=_SHOWN, cutoff=_LEAST)
