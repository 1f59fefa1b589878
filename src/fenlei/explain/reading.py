"""What a model reads of a text, and which characters of the text that was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fenlei.clean.alignment import Alignment
from fenlei.clean.cleaner import Cleaner
from fenlei.features._types import I64
from fenlei.segment.places import PlacedToken, token_places
from fenlei.segment.registry import make_segmenter
from fenlei.segment.stopwords import StopWordFilter

if TYPE_CHECKING:
    from fenlei.preparation import Preparation


@dataclass(frozen=True, eq=False)
class Reading:
    """A text as it came, and as the features of a model take it.

    Attributes
    ----------
    alignment : Alignment
        Of the text with the cleaned one.
    document : str or list of str
        The cleaned text, or its tokens where the model has a segmenter.
    begins : array of int64, shape (n_characters,)
        For each character of the document, of all its tokens end to end, the first of the text that it was made of.
    """

    alignment: Alignment
    document: str | list[str]
    begins: I64


class Reader:
    """Prepare texts as a model's preparation does, without losing sight of where everything comes from.

    Parameters
    ----------
    preparation : Preparation or None
        None reads texts as they are.

    Examples
    --------
    >>> from fenlei.preparation import Preparation
    >>> reader = Reader(Preparation(segmenter="jieba", stop_words=["的"]).fit([]))
    >>> reading = reader.read("<b>北京</b>的　秋天")
    >>> reading.document, reading.begins.tolist()
    (['北京', '秋天'], [3, 4, 11, 12])
    """

    def __init__(self, preparation: Preparation | None) -> None:
        settings: dict[str, Any] = {} if preparation is None else preparation.settings()
        clean, segmenter, stop_words = (settings.get(name) for name in ("clean", "segmenter", "stop_words"))
        self._cleaner = None if clean is None else Cleaner(**clean)
        self.segmenter = None if segmenter is None else make_segmenter(**segmenter)
        self._filter = None if stop_words is None else StopWordFilter(**stop_words)

    def read(self, text: str) -> Reading:
        """Clean a text, and cut it if the model does."""
        alignment = Alignment.identity(text) if self._cleaner is None else self._cleaner.align(text)
        if self.segmenter is None:
            return Reading(alignment, alignment.text, alignment.begins)
        places = self._kept(token_places(self.segmenter, alignment.text))
        begins = [alignment.begins[_characters(place)] for place in places]
        return Reading(alignment, [place.token for place in places], np.concatenate([np.empty(0, np.int64), *begins]))

    def _kept(self, places: list[PlacedToken]) -> list[PlacedToken]:
        if self._filter is None:
            return places
        kept = self._filter.transform([place.token] for place in places)
        return [place for place, tokens in zip(places, kept, strict=True) if tokens]


def _characters(place: PlacedToken) -> I64:
    """Place of each character of a token; what is more than stands in the text, a tag, belongs to the last."""
    return np.minimum(np.arange(place.begin, place.begin + len(place.token)), place.end - 1)
