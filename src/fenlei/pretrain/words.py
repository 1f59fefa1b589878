"""Which tokens begin a word, so that words are hidden whole: Chinese ones by jieba, others by how tokens are spelt."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.features.pieces import CONTINUED, INSIDE, LEAD, Pieces
from fenlei.features.sequences import Sequences

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
_BREAK = "\n"


class WordFinder:
    """Finds the tokens of texts that begin a word.

    Tokens do not tell where a Chinese word begins: the texts are spelt from their tokens again, and cut by jieba. In
    other scripts WordPiece marks the tokens inside a word ("##ing"), BPE and Unigram those after a space ("▁go").

    Parameters
    ----------
    tokenizer : EncoderTokenizer

    Examples
    --------
    >>> from fenlei.pretrain.tokenizer import train_tokenizer
    >>> texts = ["我喜欢看电影，going to the cinema"] * 3
    >>> tokenizer = EncoderTokenizer(train_tokenizer(texts, "wordpiece", size=300))
    >>> WordFinder(tokenizer).starts(tokenizer.encode(["喜欢电影"])).tolist()
    [True, False, True, False]
    """

    def __init__(self, tokenizer: EncoderTokenizer) -> None:
        size = len(tokenizer)
        tokens = tokenizer.tokens(range(size))
        spelt, marks_spaces = Pieces.of(tokens)
        self._han = np.array([_HAN.search(text) is not None for text in spelt])
        surfaces = [text.removeprefix(INSIDE) if han else " " for text, han in zip(spelt, self._han, strict=True)]
        self._surfaces = np.array([*surfaces, _BREAK], dtype=object)
        self._lengths = np.array([len(text) for text in self._surfaces])
        if marks_spaces:
            self._follows = np.array([_is_letter(text[:1]) for text in spelt])
            self._is_followed = np.array([_is_letter(text[-1:]) or text == " " for text in spelt])
        else:
            self._follows = np.array([text.startswith(INSIDE) for text in tokens])
            self._is_followed = np.ones(size, bool)
        self._goes_on = np.array([text[:1] == CONTINUED for text in spelt])
        self._is_byte = np.array([text[:1] in (LEAD, CONTINUED) for text in spelt])

    def starts(self, sequences: Sequences) -> NDArray[np.bool_]:
        """Tell of each token whether a word begins with it; shape (n_tokens,)."""
        ids = sequences.ids
        begins = np.ones(len(ids), bool)
        if not len(ids):
            return begins
        own, before = ids[1:], ids[:-1]
        begins[1:] = ~(self._follows[own] & self._is_followed[before]) & ~(self._goes_on[own] & self._is_byte[before])
        chinese = self._han[ids]
        if chinese.any():
            begins[chinese] = self._cut(sequences)[chinese]
        begins[sequences.bounds[:-1][sequences.lengths > 0]] = True
        return begins

    def _cut(self, sequences: Sequences) -> NDArray[np.bool_]:
        """Whether a word of jieba begins where a token does."""
        between = sequences.bounds[1:-1]
        ids = np.insert(sequences.ids, between, len(self._lengths) - 1)
        ends = np.cumsum(self._lengths[ids])
        text = "".join(self._surfaces[ids].tolist())
        begins = np.zeros(len(text) + 1, bool)
        begins[np.cumsum([0, *map(len, _jieba_words(text))])] = True
        own = np.ones(len(ids), bool)
        own[between + np.arange(len(between))] = False
        return begins[(ends - self._lengths[ids])[own]]


def _jieba_words(text: str) -> list[str]:
    from fenlei.segment.jieba import load_jieba

    words: list[str] = load_jieba(()).cut(text, True)
    return words


def _is_letter(char: str) -> bool:
    """Whether a character is part of a word of a spaced script."""
    return char.isalnum() and _HAN.match(char) is None
