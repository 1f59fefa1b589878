"""What kind of character each code point is, and its lower-case form: two tables of 0x110000 entries.

The kinds decide how text of any language is cut without a flag: characters of scripts written without spaces (Han,
kana, Thai ...) stand alone, and so do punctuation and symbols; letters and digits of spaced scripts run together into
words.
"""

from __future__ import annotations

import functools
import unicodedata

import numpy as np

from fenlei.features._types import U8, U32

SPACE, UNIT, WORD, JOINER, CHARACTER = 0, 1, 2, 3, 4

_N_CODES = 0x110000
_TABLED = 0x20000  # planes 0 and 1; above them nearly all is Han
_UNSPACED = (  # first and last code point of scripts written without spaces between words
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x31FF),  # radicals, kana, bopomofo
    (0x3400, 0x4DBF),  # Han extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han compatibility
    (0xFF65, 0xFF9F),  # half-width kana
)
_KIND_OF_CATEGORY = {"L": WORD, "N": WORD, "M": WORD, "P": UNIT, "S": UNIT, "C": SPACE, "Z": SPACE}


@functools.cache
def kinds() -> U8:
    """Kind of every code point: SPACE, UNIT, WORD, JOINER or CHARACTER; shape (0x110000,)."""
    table = np.full(_N_CODES, CHARACTER, np.uint8)
    categories = "".join(unicodedata.category(chr(code))[0] for code in range(_TABLED))
    table[:_TABLED] = np.frombuffer(
        categories.translate({ord(k): v for k, v in _KIND_OF_CATEGORY.items()}).encode("latin-1"), np.uint8
    )
    table[0xE0000:] = SPACE
    for first, last in _UNSPACED:
        spaced = table[first : last + 1] == SPACE
        table[first : last + 1] = np.where(spaced, SPACE, CHARACTER)
    for apostrophe in "'’":
        table[ord(apostrophe)] = JOINER
    for mark in (0x20E3, *range(0xFE00, 0xFE10)):  # keycap and variation selectors: of the emoji, not of the next word
        table[mark] = UNIT
    table[0xFFFD] = UNIT
    return table


@functools.cache
def lower_case() -> U32:
    """Lower-case form of every code point that has one of a single code point; shape (0x110000,)."""
    table = np.arange(_N_CODES, dtype=np.uint32)
    for code in range(_TABLED):
        lower = chr(code).lower()
        if len(lower) == 1:
            table[code] = ord(lower)
    return table
