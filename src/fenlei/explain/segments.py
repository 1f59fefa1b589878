"""The segments of a text that get a weight: words, at their places in the text as it came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from fenlei.clean.alignment import Alignment
from fenlei.segment.mixed import MixedSegmenter
from fenlei.segment.places import token_places
from fenlei.segment.segmenter import Segmenter
from fenlei.segment.user_dict import DictionarySegmenter

Span: TypeAlias = tuple[int, int]
"""Start and end of a segment in the text as it came."""


def default_segmenter(model_segmenter: Segmenter | None) -> Segmenter:
    """Make the segmenter of explanations: Chinese words, words of other scripts, punctuation.

    It knows the user's words if the model does.
    """
    words = model_segmenter.dictionary_lines() if isinstance(model_segmenter, DictionarySegmenter) else []
    return MixedSegmenter(unspaced="jieba", user_dict=words or None, punctuation=True)


def find_segments(alignment: Alignment, segmenter: Segmenter) -> list[Span]:
    """Cut the clean text, and give the place of each token in the original.

    Tokens that come from the same characters, such as those of a replaced address, become one segment.

    Examples
    --------
    >>> from fenlei.clean.cleaner import Cleaner
    >>> alignment = Cleaner(fullwidth="nfkc").align("<p>房间</p>90㎡")
    >>> segments = find_segments(alignment, default_segmenter(None))
    >>> [alignment.original[start:end] for start, end in segments]
    ['房间', '90㎡']
    """
    spans = sorted(alignment.span(place.begin, place.end) for place in token_places(segmenter, alignment.text))
    return list(_apart(spans))


def _apart(spans: Iterable[Span]) -> list[Span]:
    """Unite spans that overlap."""
    united: list[Span] = []
    for start, end in spans:
        if united and start < united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return united


def merge_neighbours(spans: Sequence[Span], most: int) -> tuple[list[Span], int]:
    """Put neighbours together until there are at most so many; tell how many make one.

    Examples
    --------
    >>> merge_neighbours([(0, 1), (1, 2), (3, 4)], 2)
    ([(0, 2), (3, 4)], 2)
    """
    size = max(1, -(-len(spans) // most))
    groups = [spans[i : i + size] for i in range(0, len(spans), size)]
    return [(group[0][0], group[-1][1]) for group in groups], size
