"""Which script a set of texts is in, so that a segmenter can be chosen without a flag."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from fenlei._checks import check_texts
from fenlei.exceptions import SettingError
from fenlei.segment._patterns import HAN

Kind: TypeAlias = Literal["han", "latin", "other", "none"]

_HAN = re.compile(f"[{HAN}]")
_LATIN = re.compile("[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a]")
_LETTER = re.compile(r"[^\W\d_]")
_READ = 1000  # characters of a text that are looked at
_READ_OF_ONE = 200  # where each text is told by itself

# A Chinese character says as much as four or five Latin letters, so a text is Chinese well below half. Of
# real titles and reviews the least Chinese hold 26 % Chinese letters, except one in 2000 that is English;
# nearly all English texts hold none.
_HAN_LETTERS = 0.15
# Kana, Cyrillic and so on: stray letters are common in Chinese ("の"), Japanese is half kana.
_OTHER_LETTERS = 0.3
# Sets of one language are 99.9 % pure in practice; a tenth of the texts is worth a model that can read them.
_PURE = 0.9


@dataclass(frozen=True)
class Language:
    """The language of a set of texts, as far as their script tells.

    Attributes
    ----------
    name : {"zh", "en", "mixed", "other"}
        "zh": Chinese. "en": Latin letters, English or not. "mixed": Chinese and Latin texts, more than a
        tenth of each. "other": anything else, Japanese and no letters at all included.
    cjk_share, latin_share : float in [0, 1]
        Share of the texts that are Chinese, and that are Latin, among those with letters.
    n_sampled : int
        Texts that were looked at.
    """

    name: Literal["zh", "en", "mixed", "other"]
    cjk_share: float
    latin_share: float
    n_sampled: int


def detect_language(texts: Any, sample: int = 1000) -> Language:
    """Tell the language of texts from the letters of a sample of them.

    Parameters
    ----------
    texts : sequence of str, shape (n_samples,)
    sample : int, default=1000
        Look at this many texts, chosen at random but always the same ones.

    Returns
    -------
    Language

    Raises
    ------
    SettingError
        When `sample` is not positive, or `texts` is one string.

    Examples
    --------
    >>> detect_language(["新款iPhone很好", "差", "!!"])
    Language(name='zh', cjk_share=1.0, latin_share=0.0, n_sampled=3)
    >>> detect_language(["good", "很好"]).name
    'mixed'
    """
    if not isinstance(sample, int) or sample < 1:
        raise SettingError(f"sample must be a positive whole number; got {sample!r}")
    chosen = _sample(check_texts(texts), sample)
    counts = Counter(_kind(text[:_READ]) for text in chosen)
    lettered = max(1, len(chosen) - counts["none"])
    han, latin = counts["han"] / lettered, counts["latin"] / lettered
    return Language(_name(han, latin), round(han, 4), round(latin, 4), len(chosen))


def text_language(text: str) -> Literal["zh", "en", "other"]:
    """Tell the language of one text as `detect_language` does, cheap enough for every text that is served.

    Examples
    --------
    >>> text_language("新款iPhone很好"), text_language("Good"), text_language("こんにちは"), text_language("666")
    ('zh', 'en', 'other', 'other')
    """
    kind = _kind(text[:_READ_OF_ONE])
    return "zh" if kind == "han" else "en" if kind == "latin" else "other"


def _sample(texts: list[str], size: int) -> Sequence[str]:
    """Choose without order: every k-th text would see only one language of rows that alternate."""
    return texts if len(texts) <= size else random.Random(0).sample(texts, size)  # noqa: S311


class _Letters(dict[str, Kind]):
    """The kind of each character, found when it is first met: looking it up is faster than three patterns."""

    def __missing__(self, character: str) -> Kind:
        kinds: tuple[tuple[re.Pattern[str], Kind], ...] = ((_HAN, "han"), (_LATIN, "latin"), (_LETTER, "other"))
        self[character] = next((kind for pattern, kind in kinds if pattern.match(character)), "none")
        return self[character]


_LETTERS = _Letters()


def _kind(text: str) -> Kind:
    counts = Counter(map(_LETTERS.__getitem__, text))
    letters = len(text) - counts["none"]
    if not letters:
        return "none"
    if counts["other"] > _OTHER_LETTERS * letters:
        return "other"
    return "han" if counts["han"] > _HAN_LETTERS * letters else "latin"


def _name(han: float, latin: float) -> Literal["zh", "en", "mixed", "other"]:
    if han >= _PURE:
        return "zh"
    if latin >= _PURE:
        return "en"
    return "mixed" if han + latin >= _PURE else "other"
