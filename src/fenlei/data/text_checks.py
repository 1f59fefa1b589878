"""Checks of the texts one by one: empty, wordless, very long, damaged, with markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from fenlei.data.duplicates import is_empty
from fenlei.data.findings import Finding, Split, found

_WORD = re.compile(r"[^\W_]")
_DAMAGED = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(  # without the white space among the control characters and the joiners of emoji
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|<!--|&(?:[A-Za-z]{2,8}|#\d{1,6}|#x[\dA-Fa-f]{1,6});")
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)

_OUTLIER_FACTOR, _OUTLIER_LEAST = 5, 200


def check_texts(splits: Sequence[Split], *, max_length: int) -> list[Finding]:
    """Look at each text by itself.

    Parameters
    ----------
    splits : sequence of Split
        The training split first.
    max_length : int
        Texts with more characters are reported as too long.
    """
    return [
        *_check_empty(splits),
        *_check_lengths(splits, max_length),
        *_check_damage(splits),
        *_check_markup(splits),
    ]


def _check_empty(splits: Sequence[Split]) -> tuple[Finding, ...]:
    wordless = _matching(splits, lambda text: not _WORD.search(text))
    empty = [(split, [i for i in rows if is_empty(split.data.texts[i])]) for split, rows in wordless]
    others = [(s, sorted(set(rows) - set(gone))) for (s, rows), (_, gone) in zip(wordless, empty, strict=True)]
    return (
        *found(
            "empty-texts",
            "warning",
            "Texts with nothing but spaces and invisible characters: {where}.",
            empty,
            fix="--drop-empty",
        ),
        *found(
            "wordless-texts",
            "note",
            "Texts of punctuation or symbols, without a letter or digit: {where}.",
            others,
        ),
    )


def _check_lengths(splits: Sequence[Split], max_length: int) -> tuple[Finding, ...]:
    long = _matching(splits, lambda text: len(text) > max_length)
    return (
        *found("long-texts", "warning", f"Texts of more than {max_length:,} characters: {{where}}.", long),
        *found(
            "length-outliers",
            "note",
            f"Texts over {_OUTLIER_FACTOR} times as long as 95 % of their split, "
            f"and over {_OUTLIER_LEAST} characters: {{where}}.",
            [(split, _outliers(split.data.texts)) for split in splits],
        ),
    )


def _outliers(texts: Sequence[str]) -> list[int]:
    if not texts:
        return []
    lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
    limit = max(_OUTLIER_FACTOR * float(np.percentile(lengths, 95)), _OUTLIER_LEAST)
    indices: list[int] = np.flatnonzero(lengths > limit).tolist()
    return indices


def _check_damage(splits: Sequence[Split]) -> tuple[Finding, ...]:
    return (
        *found(
            "damaged-texts",
            "warning",
            "Texts with U+FFFD or private-use characters, often a wrong encoding (see --encoding): {where}.",
            _matching(splits, _DAMAGED.search),
        ),
        *found(
            "lone-surrogates",
            "warning",
            "Texts with half a character (a lone surrogate), which no encoding can write: {where}.",
            _matching(splits, _SURROGATE.search),
        ),
        *found(
            "control-characters",
            "note",
            "Texts with control or invisible characters; cleaning removes them: {where}.",
            _matching(splits, _CONTROL.search),
        ),
    )


def _check_markup(splits: Sequence[Split]) -> tuple[Finding, ...]:
    return (
        *found(
            "html-markup",
            "note",
            "Texts with HTML tags or entities; cleaning handles them: {where}.",
            _matching(splits, lambda text: ("<" in text or "&" in text) and _MARKUP.search(text)),
        ),
        *found(
            "urls",
            "note",
            "Texts with web addresses; cleaning handles them: {where}.",
            _matching(splits, lambda text: ("://" in text or "www." in text.lower()) and _URL.search(text)),
        ),
    )


def _matching(splits: Sequence[Split], test: Callable[[str], object]) -> list[tuple[Split, list[int]]]:
    return [(split, [i for i, text in enumerate(split.data.texts) if test(text)]) for split in splits]
