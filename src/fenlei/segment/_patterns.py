"""What a word is, as regular expressions shared by the segmenters that need no dictionary."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from fenlei.clean.emoji import ONE_EMOJI

# Scripts without spaces between words: Han, kana, bopomofo. Not Hangul: Korean writes spaces.
HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
UNSPACED = f"{HAN}\u3041-\u309f\u30a1-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff\uff66-\uff9f"
_MARKUP = r"!+|\?+|\.+|！+|？+|。+|…+|[^\w\s]"  # one token for "!!!", one for each other character


@cache
def word_pattern(*, cut_unspaced: str = "", punctuation: bool = False) -> re.Pattern[str]:
    """Compile the pattern that finds the tokens of a text.

    Parameters
    ----------
    cut_unspaced : str
        Pattern for scripts without spaces, such as one character or a run of them; "" treats them as letters.
    punctuation : bool
        Whether punctuation and symbols are tokens; emoji always are.
    """
    letter = rf"[^\W{UNSPACED}]" if cut_unspaced else r"\w"
    run = rf"{letter}+(?:[{_marks()}]+{letter}*)*"
    tokens = [
        cut_unspaced,
        ONE_EMOJI,
        r"[A-Za-z](?:\+\+|\#)(?!\w)",  # C++, C#
        r"\d+(?:[.,:]\d+)+",  # 3.5, 1,000, 12:30
        rf"{run}(?:['’-]{run})*",  # don't, e-mail
        _MARKUP if punctuation else "",
    ]
    return re.compile("|".join(token for token in tokens if token))


@cache
def _marks() -> str:
    r"""Vowel signs and accents, which follow letters but are no letters to ``\w``."""
    blocks = (*range(0x300, 0x2100), *range(0xA66F, 0xAC00))
    return "".join(chr(code) for code in blocks if unicodedata.category(chr(code))[0] == "M")
