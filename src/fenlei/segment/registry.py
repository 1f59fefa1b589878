"""Segmenters by name, as the command line and saved models know them."""

from __future__ import annotations

from typing import Any

from fenlei.exceptions import UnknownNameError
from fenlei.segment.char import CharSegmenter
from fenlei.segment.jieba import JiebaSegmenter
from fenlei.segment.mixed import MixedSegmenter
from fenlei.segment.segmenter import Segmenter
from fenlei.segment.words import WordSegmenter

SEGMENTERS: dict[str, type[Segmenter]] = {
    kind.name: kind for kind in (CharSegmenter, JiebaSegmenter, MixedSegmenter, WordSegmenter)
}


def make_segmenter(name: str, **settings: Any) -> Segmenter:
    """Make the segmenter called `name`.

    Parameters
    ----------
    name : {"char", "jieba", "mixed", "word"}
    **settings
        Its keywords; ``make_segmenter(**segmenter.settings())`` rebuilds a segmenter exactly.

    Raises
    ------
    UnknownNameError
        When there is no such segmenter.
    SettingError
        When it has no such setting.

    Examples
    --------
    >>> make_segmenter("word", punctuation=True)
    WordSegmenter(punctuation=True)
    >>> make_segmenter("jeiba")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    fenlei.exceptions.UnknownNameError: unknown segmenter 'jeiba'; did you mean 'jieba'? known: char, ...
    """
    if name not in SEGMENTERS:
        raise UnknownNameError("segmenter", str(name), SEGMENTERS)
    return SEGMENTERS[name]().set_params(**settings)
