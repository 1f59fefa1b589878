"""What an n-gram is, in plain Python over strings: the independent answer for the compiled loops."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pytest

BEGIN, END = "<begin>", "<end>"  # never tokens themselves: "<" and ">" stand alone


class Gram(NamedTuple):
    """One n-gram: its tokens, or its characters when it is part of a word."""

    items: tuple[str, ...]
    is_part: bool

    def spelled(self, *, spaced: bool = False) -> str:
        """As `vocabulary_` must write it."""
        if self.is_part:
            opening = "" if self.items[0] == BEGIN else "·"
            closing = "" if self.items[-1] == END else "·"
            return opening + "".join(item for item in self.items if item not in (BEGIN, END)) + closing
        text, after_word = "", False
        for item in self.items:
            word = item not in (BEGIN, END) and (spaced or is_letter(item[0]))
            text += (" " if word and after_word else "") + {BEGIN: "^", END: "$"}.get(item, item)
            after_word = word
        return text


class Plain:
    """N-grams the slow way."""

    def __init__(self, ngrams: tuple[int, int], char_ngrams: tuple[int, int] | None, boundaries: bool = True) -> None:
        self.ngrams, self.char_ngrams, self.boundaries = ngrams, char_ngrams, boundaries

    def of_text(self, text: str) -> list[Gram]:
        """Cut, then as `of_tokens`."""
        return self.of_tokens(cut(text))

    def of_tokens(self, tokens: Sequence[str]) -> list[Gram]:
        """All n-grams of one text, repeated ones repeated."""
        tokens = [token for token in tokens if token]
        framed = [BEGIN, *tokens, END] if self.boundaries and tokens else tokens
        grams = [Gram(run, False) for run in runs(framed, *self.ngrams) if run not in ((BEGIN,), (END,))]
        for token in tokens if self.char_ngrams else ():
            if len(token) > 1 and is_letter(token[0]):
                parts = runs([BEGIN, *token, END], *self.char_ngrams)
                grams += [Gram(run, True) for run in parts if run not in ((BEGIN,), (END,))]
        return grams

    def table(self, documents: Sequence[list[Gram]]) -> dict[Gram, list[int]]:
        """Counts of each n-gram in each document."""
        counts = [Counter(grams) for grams in documents]
        return {gram: [count[gram] for count in counts] for grams in documents for gram in grams}


def runs(items: Sequence[str], low: int, high: int) -> list[tuple[str, ...]]:
    """All runs of `low` to `high` neighbours."""
    return [tuple(items[i : i + size]) for size in range(low, high + 1) for i in range(len(items) - size + 1)]


def is_character(char: str) -> bool:
    """Whether the character is of a script written without spaces."""
    ranges = ("\u0e00\u0eff", "\u2e80\u31ff", "\u3400\u4dbf", "\u4e00\u9fff")
    return any(low <= char <= high for low, high in ranges) and not is_gap(char)


def is_letter(char: str) -> bool:
    """Whether the character makes up words: letters, digits and marks of scripts that write spaces."""
    return unicodedata.category(char)[0] in "LNM" and not is_character(char)


def is_gap(char: str) -> bool:
    """Whether the character only sets others apart: white space, control characters, surrogates."""
    return unicodedata.category(char)[0] in "CZ"


def cut(text: str) -> list[str]:
    """Tokens, in lower case: words whole, an apostrophe inside a word with it, all else one by one.

    A gap inside the text is a token, a space, where a character of an unspaced script is beside it.
    """
    tokens, inside, gap = [""], False, ""
    for i, char in enumerate(text):
        joins = char in "'’" and i + 1 < len(text) and is_letter(text[i + 1])
        lower = char.lower() if len(char.lower()) == 1 else char
        if is_gap(char):
            gap, inside = gap or text[i - 1 : i] or " ", False
            continue
        if gap and (is_character(gap) or is_character(char)) and len(tokens) > 1:
            tokens.append(" ")
        if inside and (is_letter(char) or joins):
            tokens[-1] += lower
        else:
            tokens.append(lower)
        inside, gap = is_letter(char) or (inside and joins), ""
    return tokens[1:]


@pytest.fixture(scope="session")
def plain() -> type[Plain]:
    return Plain
