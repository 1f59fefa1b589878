"""Chinese words by jieba's dictionary and hidden Markov model, in its Rust port.

One core cuts about 250,000 titles a second. Two threads on two cores were measured to take 0.8 to 1.1 of the
time of one, so none are used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal

from fenlei.clean.control import replace_surrogates
from fenlei.exceptions import SettingError
from fenlei.segment.user_dict import DictionarySegmenter, Entry, UserDict, parse_user_dict
from fenlei.segment.words import check_switch

if TYPE_CHECKING:
    from rjieba import Jieba


class JiebaSegmenter(DictionarySegmenter):
    """Cut Chinese into words; English words and numbers inside stay whole, "don't" becomes three tokens.

    Parameters
    ----------
    user_dict : path, list of str or None, default=None
        Words to know, one a line: ``word [frequency] [tag]``. Without a frequency one is chosen that keeps
        the word whole where it stands alone; frequency 0 takes a word out. A word may hold letters, digits
        and ``+#&._%-`` beside Chinese. A file is read once, by `fit`; its lines, not its path, are in the
        `settings`.
    mode : {"cut", "search"}, default="cut"
        "search" adds the shorter words inside long ones, as search engines index them.
    pos : sequence of str or None, default=None
        Keep only words whose part of speech starts with one of these: ``["n", "v", "a"]`` keeps nouns of all
        kinds, verbs and adjectives. Words of the user's dictionary without a tag count as "nz". Takes half
        as long again.
    tagged : bool, default=False
        Make each token ``word/tag``, so that a noun and a verb spelt alike differ.
    hmm : bool, default=True
        Guess words that no dictionary has.

    Attributes
    ----------
    user_dict_ : list of str
        Lines of the user's dictionary, after `fit`.

    Raises
    ------
    SettingError
        By `fit` and `transform`, when a setting has an unknown value.
    DataError
        By `fit` and `transform`, when the user's dictionary cannot be read.

    Notes
    -----
    A lone surrogate, which UTF-8 cannot write, is U+FFFD in the tokens.

    Examples
    --------
    >>> JiebaSegmenter().transform(["我来到北京清华大学", "iPhone 3.5寸"])
    [['我', '来到', '北京', '清华大学'], ['iPhone', '3.5', '寸']]
    >>> JiebaSegmenter(user_dict=["好用云 n"], pos=["n"]).transform(["很好用云计算"])
    [['好用云']]
    """

    name = "jieba"

    def __init__(
        self,
        *,
        user_dict: UserDict = None,
        mode: Literal["cut", "search"] = "cut",
        pos: Sequence[str] | None = None,
        tagged: bool = False,
        hmm: bool = True,
    ) -> None:
        self.user_dict = user_dict
        self.mode = mode
        self.pos = pos
        self.tagged = tagged
        self.hmm = hmm

    def settings(self) -> dict[str, Any]:
        """Return JSON values that rebuild this segmenter; the dictionary's lines stand for its path."""
        pos = None if self.pos is None else list(_check_tags(self.pos))
        return {**super().settings(), "pos": pos}

    def cutter(self) -> Callable[[str], list[str]]:
        """Check the settings and return the function that cuts one text."""
        hmm, tagged = check_switch("hmm", self.hmm), check_switch("tagged", self.tagged)
        if self.mode not in ("cut", "search"):
            raise SettingError(f"mode must be 'cut' or 'search'; got {self.mode!r}")
        jieba = load_jieba(parse_user_dict(self.dictionary_lines()))
        if not tagged and self.pos is None:
            return partial(_cut, jieba.cut if self.mode == "cut" else jieba.cut_for_search, hmm)
        if self.mode == "search":
            raise SettingError("parts of speech are known only in mode='cut'; drop pos and tagged, or the mode")
        prefixes = ("",) if self.pos is None else _check_tags(self.pos)
        return partial(_tag, jieba.tag, hmm, prefixes, tagged)


@lru_cache(maxsize=4)
def load_jieba(entries: tuple[Entry, ...]) -> Jieba:
    """Return jieba with a user's words; kept, since a dictionary takes 0.1 s and 15 MB.

    It is kept here and not in the segmenter, so that a segmenter can be copied and sent to other processes.
    """
    from rjieba import Jieba

    jieba = Jieba()
    for word, frequency, tag in entries:
        jieba.add_word(word, frequency, tag)
    return jieba


def _cut(cut: Callable[..., list[str]], hmm: bool, text: str) -> list[str]:
    try:
        tokens = cut(text, hmm)
    except UnicodeEncodeError:
        tokens = cut(replace_surrogates(text), hmm)
    return [token for token in tokens if not token.isspace()]


def _tag(
    tag: Callable[..., list[tuple[str, str]]], hmm: bool, prefixes: tuple[str, ...], tagged: bool, text: str
) -> list[str]:
    pairs = tag(replace_surrogates(text), hmm)
    kept = [(word, pos) for word, pos in pairs if pos.startswith(prefixes) and not word.isspace()]
    return [f"{word}/{pos}" if tagged else word for word, pos in kept]


def _check_tags(pos: object) -> tuple[str, ...]:
    if isinstance(pos, str) or not isinstance(pos, Sequence) or not all(isinstance(tag, str) for tag in pos):
        raise SettingError(f"pos must be a list of beginnings of tags, such as ['n', 'v']; got {pos!r}")
    return tuple(pos)
