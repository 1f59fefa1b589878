"""What every method of explaining is: from a text and its segments to their weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from fenlei.explain.reading import Reading
from fenlei.explain.segments import Span
from fenlei.features._types import F64

if TYPE_CHECKING:
    from fenlei.base import TextClassifier


class Weights(NamedTuple):
    """Weights of a text's segments for some classes.

    Attributes
    ----------
    segments : array of shape (n_segments, n_classes)
    base : array of shape (n_classes,)
        What is in the scores of the classes and comes from no segment.
    """

    segments: F64
    base: F64


class Explainer(ABC):
    """A method of explaining, for one model.

    Parameters
    ----------
    model : TextClassifier
        Trained.
    """

    name: ClassVar[str]
    """What `fenlei.explain.methods.METHODS` knows it by."""
    most_segments: ClassVar[int | None] = None
    """How many segments of a text it can weigh; of longer texts neighbours are put together."""

    def __init__(self, model: TextClassifier) -> None:
        self.model = model

    @classmethod
    @abstractmethod
    def explains(cls, model: TextClassifier) -> bool:
        """Whether the method knows this kind of model."""

    @abstractmethod
    def weigh(self, reading: Reading, spans: Sequence[Span], classes: Sequence[int]) -> Weights:
        """Weigh the segments of one text for some classes, given as columns of ``predict_proba``."""
