"""Traditional Chinese to simplified, by OpenCC's dictionaries."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from fenlei.clean.control import replace_surrogates

if TYPE_CHECKING:
    from opencc import OpenCC


def to_simplified(text: str) -> str:
    """Convert phrase by phrase (OpenCC's ``t2s``); lone surrogates, which OpenCC refuses, become U+FFFD.

    Examples
    --------
    >>> to_simplified("頭髮乾燥，乾隆皇后")
    '头发干燥，乾隆皇后'
    """
    if text.isascii():
        return text
    try:
        return str(_converter().convert(text))
    except UnicodeEncodeError:
        return str(_converter().convert(replace_surrogates(text)))


@cache
def _converter() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("t2s")
