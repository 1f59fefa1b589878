"""From tokens in a row back to text: Chinese joined, words of spaced scripts with blanks between."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from fenlei.features.alphabet import WORD, kinds

_CLOSE = frozenset(",.;:!?")  # what a blank follows where a word does


def spell(tokens: Sequence[str], unit: str = "token") -> str:
    """Write tokens in a row as a reader would.

    White space is not kept by vocabularies, so blanks are a guess: between two words, and between a mark of
    punctuation and a word. Characters are joined as they are.

    Parameters
    ----------
    tokens : sequence of str
    unit : str, default="token"
        What they are; see `fenlei.features.inputs.TokenInputs`.

    Examples
    --------
    >>> spell(["不", "太", "好"]), spell(["funny", ",", "but", "not", "good"])
    ('不太好', 'funny, but not good')
    >>> spell(["un", "##happy", "end"], unit="wordpiece"), spell(["▁bor", "ing", "▁film"], unit="bpe")
    ('unhappy end', 'boring film')
    """
    if unit in ("char", "both"):
        return "".join(tokens)
    if unit in ("bpe", "unigram"):
        return "".join(tokens).replace("▁", " ").strip()
    inside = "##" if unit == "wordpiece" else None
    text = "".join(tokens[:1])
    for before, token in pairwise(tokens):
        if inside and token.startswith(inside):
            text += token.removeprefix(inside)
        else:
            text += (" " if _apart(before, token) else "") + token
    return text


def _apart(before: str, after: str) -> bool:
    return _is_word(after[:1]) and (_is_word(before[-1:]) or before in _CLOSE)


def _is_word(char: str) -> bool:
    return bool(char) and int(kinds()[ord(char)]) == WORD
