"""Full-width forms of ASCII, which Chinese input methods produce, to the plain ones."""

from __future__ import annotations

import re
import unicodedata

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


def to_nfkc(text: str) -> str:
    """Unicode's compatibility form: full width to half, but also "①" to "1", "㎡" to "m2", "…" to "...".

    Examples
    --------
    >>> to_nfkc("Ａ①㎡…ｶﾞ")
    'A1m2...ガ'
    """
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)
