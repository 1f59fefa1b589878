"""Where the tokens of a segmenter stand in the text they were cut from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fenlei.clean.control import replace_surrogates
from fenlei.segment.jieba import JiebaSegmenter, load_jieba
from fenlei.segment.segmenter import Segmenter
from fenlei.segment.user_dict import parse_user_dict


class PlacedToken(NamedTuple):
    """A token, cut from ``text[begin:end]``."""

    token: str
    begin: int
    end: int


def token_places(segmenter: Segmenter, text: str) -> list[PlacedToken]:
    """Cut a text as ``segmenter.transform`` does, and tell where each token stands.

    Tokens that a segmenter of somebody else spells otherwise than the text, and that are not found in it, are left out.

    Examples
    --------
    >>> from fenlei.segment.mixed import MixedSegmenter
    >>> [tuple(place) for place in token_places(MixedSegmenter(), "好 good")]
    [('好', 0, 1), ('good', 2, 6)]
    """
    if isinstance(segmenter, JiebaSegmenter) and segmenter.mode == "search":
        return _overlapping(segmenter, replace_surrogates(text))
    if isinstance(segmenter, JiebaSegmenter) and (segmenter.tagged or segmenter.pos is not None):
        return _tagged(segmenter, replace_surrogates(text))
    return list(_in_order(segmenter.transform([text])[0], replace_surrogates(text)))


def _in_order(tokens: Iterable[str], text: str) -> Iterator[PlacedToken]:
    """Find each token behind the one before it."""
    end = 0
    for token in tokens:
        begin = text.find(replace_surrogates(token), end)
        if begin >= 0:
            end = begin + len(token)
            yield PlacedToken(token, begin, end)


def _overlapping(segmenter: JiebaSegmenter, text: str) -> list[PlacedToken]:
    """Ask jieba for the words that search engines index, of which short ones stand inside long ones."""
    jieba = load_jieba(parse_user_dict(segmenter.dictionary_lines()))
    places = (PlacedToken(*found) for found in jieba.tokenize(text, "search", segmenter.hmm))
    return [place for place in places if not place.token.isspace()]


def _tagged(segmenter: JiebaSegmenter, text: str) -> list[PlacedToken]:
    """Tag all words, which stand side by side, and keep those of the wanted parts of speech."""
    every = JiebaSegmenter(user_dict=segmenter.dictionary_lines(), tagged=True, hmm=segmenter.hmm)
    wanted = ("",) if segmenter.pos is None else tuple(segmenter.pos)
    places = []
    end = 0
    for both in every.transform([text])[0]:
        word, _, tag = both.rpartition("/")
        begin = text.index(word, end)
        end = begin + len(word)
        if tag.startswith(wanted):
            places.append(PlacedToken(both if segmenter.tagged else word, begin, end))
    return places
