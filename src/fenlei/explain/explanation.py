"""What every way of explaining gives: a text's segments, and how much each speaks for a label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Segment:
    """A part of the text as the user gave it.

    Attributes
    ----------
    text : str
        ``text[start:end]`` of the explained text.
    start, end : int
        Its first character and the one after its last, counted as Python counts.
    weight : float
        How much it speaks for the label; below 0 against it.
    """

    text: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Explanation:
    """Why a text got a label, or how far it is from getting it.

    Attributes
    ----------
    text : str
        As the user gave it.
    label : str or int
        The explained class.
    method : str
        ``exact`` or ``occlusion``; see `fenlei.explain.methods`.
    probability : float
        Of the label, by the model.
    base : float
        What no segment adds; with the weights of all segments it sums to `score`.
    segments : tuple of Segment
        In the order of the text; they do not overlap, and what the model does not see (markup, spaces) is in none.
    words_per_segment : int
        Above 1 where a text is so long that so many words were put together into one segment.

    Examples
    --------
    >>> segments = Segment("服务", 0, 2, 0.2), Segment("很好", 2, 4, 1.3)
    >>> explanation = Explanation("服务很好", "好评", "exact", 0.9, -0.5, segments)
    >>> explanation.score, [segment.text for segment in explanation.strongest(1)]
    (1.0, ['很好'])
    """

    text: str
    label: Any
    method: str
    probability: float
    base: float
    segments: tuple[Segment, ...]
    words_per_segment: int = 1

    @property
    def score(self) -> float:
        """What is explained: the raw score of the class (``exact``), or the logarithm of its odds (``occlusion``)."""
        return self.base + sum(segment.weight for segment in self.segments)

    def strongest(self, most: int | None = None) -> list[Segment]:
        """Give the segments that speak most for or against the label, strongest first; none that says nothing."""
        order = sorted(self.segments, key=lambda segment: -abs(segment.weight))
        return [segment for segment in order[:most] if segment.weight]

    def pieces(self) -> Iterator[tuple[str, Segment | None]]:
        """Cut the whole text into segments and what is between them, for which there is None."""
        end = 0
        for segment in self.segments:
            if end < segment.start:
                yield self.text[end : segment.start], None
            yield segment.text, segment
            end = segment.end
        if end < len(self.text):
            yield self.text[end:], None

    def share(self, segment: Segment) -> float:
        """Weight of a segment as a share of the largest, whatever its sign; -1 to 1."""
        return segment.weight / self._largest if self._largest else 0.0

    @cached_property
    def _largest(self) -> float:
        """Largest weight, whatever its sign; looked for once, as all segments are asked for their share."""
        return max(abs(segment.weight) for segment in self.segments)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON values."""
        plain = asdict(self)
        return plain | {"score": self.score, "segments": list(plain["segments"])}
