"""Chinese and spaced languages in one text, each cut its own way."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Literal

from fenlei.exceptions import SettingError
from fenlei.segment._patterns import UNSPACED, word_pattern
from fenlei.segment.jieba import JiebaSegmenter
from fenlei.segment.user_dict import DictionarySegmenter, UserDict
from fenlei.segment.words import check_switch

_STARTS_UNSPACED = re.compile(f"[{UNSPACED}]")


class MixedSegmenter(DictionarySegmenter):
    """Runs of Chinese and kana are cut into characters, or words; all else as `WordSegmenter` does.

    Which way a piece is cut follows from its characters, so no language needs to be named.

    Parameters
    ----------
    unspaced : {"char", "jieba"}, default="char"
        How runs of Chinese and kana are cut.
    user_dict : path, list of str or None, default=None
        Words for jieba, see `JiebaSegmenter`; here they can hold only Chinese and kana.
    punctuation : bool, default=False
        Whether punctuation and symbols are tokens; runs of "!", "?", "." are one token.

    Attributes
    ----------
    user_dict_ : list of str
        Lines of the user's dictionary, after `fit`.

    Examples
    --------
    >>> MixedSegmenter().transform(["新款iPhone很好，don't miss"])
    [['新', '款', 'iPhone', '很', '好', "don't", 'miss']]
    >>> MixedSegmenter(unspaced="jieba").transform(["我来到北京Airport"])
    [['我', '来到', '北京', 'Airport']]
    """

    name = "mixed"

    def __init__(
        self,
        *,
        unspaced: Literal["char", "jieba"] = "char",
        user_dict: UserDict = None,
        punctuation: bool = False,
    ) -> None:
        self.unspaced = unspaced
        self.user_dict = user_dict
        self.punctuation = punctuation

    def cutter(self) -> Callable[[str], list[str]]:
        """Check the settings and return the function that cuts one text."""
        punctuation = check_switch("punctuation", self.punctuation)
        if self.unspaced == "char":
            if self.user_dict is not None:
                raise SettingError("user_dict has a use only with unspaced='jieba'")
            return word_pattern(cut_unspaced=f"[{UNSPACED}]", punctuation=punctuation).findall
        if self.unspaced != "jieba":
            raise SettingError(f"unspaced must be 'char' or 'jieba'; got {self.unspaced!r}")
        runs = word_pattern(cut_unspaced=f"[{UNSPACED}]+", punctuation=punctuation)
        return partial(_cut_runs, runs, JiebaSegmenter(user_dict=self.dictionary_lines()).cutter())


def _cut_runs(runs: re.Pattern[str], cut: Callable[[str], list[str]], text: str) -> list[str]:
    tokens: list[str] = []
    for run in runs.findall(text):
        if _STARTS_UNSPACED.match(run):
            tokens += cut(run)
        else:
            tokens.append(run)
    return tokens
