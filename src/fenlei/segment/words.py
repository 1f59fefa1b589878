"""Words of languages that put spaces between them."""

from __future__ import annotations

from collections.abc import Callable

from fenlei.exceptions import SettingError
from fenlei.segment._patterns import word_pattern
from fenlei.segment.segmenter import Segmenter


class WordSegmenter(Segmenter):
    """Runs of letters, digits and underscores, of any script, with what holds them together.

    Kept whole: "don't", "e-mail", "3.5", "1,000", "12:30", "C++", "C#", and emoji with their skin tone
    and joiners. A run of Chinese is one token: `MixedSegmenter` and `JiebaSegmenter` are there for Chinese.

    Parameters
    ----------
    punctuation : bool, default=False
        Whether punctuation and symbols are tokens; runs of "!", "?", "." are one token.

    Examples
    --------
    >>> WordSegmenter().transform(["I don't like C++ 3.5, e-mail me!!! 👍🏽"])
    [['I', "don't", 'like', 'C++', '3.5', 'e-mail', 'me', '👍🏽']]
    >>> WordSegmenter(punctuation=True).transform(["Well, no!!!"])
    [['Well', ',', 'no', '!!!']]
    """

    name = "word"

    def __init__(self, *, punctuation: bool = False) -> None:
        self.punctuation = punctuation

    def cutter(self) -> Callable[[str], list[str]]:
        """Return the function that cuts one text."""
        return word_pattern(punctuation=check_switch("punctuation", self.punctuation)).findall


def check_switch(name: str, value: object) -> bool:
    """Return `value` if it is a bool; refuse 0, "false" and the like.

    Examples
    --------
    >>> check_switch("punctuation", True)
    True
    """
    if not isinstance(value, bool):
        raise SettingError(f"{name} must be true or false; got {value!r}")
    return value
