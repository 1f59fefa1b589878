"""Full-width forms of ASCII, which Chinese input methods produce, to the plain ones."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from fenlei.clean.editing import EDITOR, Editor

_MOST_MARKS = 30
_WIDE = re.compile("[\uff01-\uff5e\u3000]")
_TO_HALF = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


def to_half_width(text: str) -> str:
    """Full-width letters, digits, punctuation and space to ASCII; "。" and "、", which ASCII lacks, stay.

    Examples
    --------
    >>> to_half_width("ＡＢＣ　１２３，好！。")
    'ABC 123,好!。'
    """
    return text.translate(_TO_HALF) if not text.isascii() and _WIDE.search(text) else text


def to_nfkc(text: str, editor: Editor = EDITOR) -> str:
    """Unicode's compatibility form: full width to half, but also "①" to "1", "㎡" to "m2", "…" to "...".

    Of more than 30 marks on one letter only the first 30 stay, as in Unicode's Stream-Safe Text Format (UAX 15): to put
    marks in order takes the square of their number, and no script has so many.

    Examples
    --------
    >>> to_nfkc("Ａ①㎡…ｶﾞ")
    'A1m2...ガ'
    """
    if not text.isascii():
        text = editor.sub(_long_runs(), lambda match: match[1], text)
    if unicodedata.is_normalized("NFKC", text):
        return text
    return editor.sub(_clusters(), lambda match: _nfkc(match[0]), text, whole=_nfkc)


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


@cache
def _clusters() -> re.Pattern[str]:
    """Compile the pattern of a character with all that may become one with it: marks, vowels and ends of Hangul."""
    joining = "".join(char for char in map(chr, range(0x300, 0x20000)) if _joins(char))
    return re.compile(f"(?s:.)[{joining}]*")


@cache
def _long_runs() -> re.Pattern[str]:
    """Compile the pattern of more marks than one letter may have, those to keep as a group."""
    marks = "".join(char for char in map(chr, range(0x300, 0x20000)) if unicodedata.combining(_decomposed(char)[0]))
    return re.compile(f"([{marks}]{{{_MOST_MARKS}}})[{marks}]+")


def _decomposed(char: str) -> str:
    return unicodedata.normalize("NFKD", char)


def _joins(char: str) -> bool:
    first = _decomposed(char)[0]
    return unicodedata.category(first)[0] == "M" or "\u1160" <= first <= "\u11ff"
