"""What every segmenter is: a transformer from texts to tokens that can be rebuilt from plain JSON values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self

from fenlei._checks import check_texts
from fenlei._estimator import Transformer


class Segmenter(Transformer, ABC):
    """Base of the segmenters; a subclass sets `name` and supplies `cutter`.

    Attributes
    ----------
    name : str
        What `fenlei.segment.registry.make_segmenter` knows it by.
    """

    name: ClassVar[str]

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the settings."""
        self.cutter()
        return self

    def transform(self, X: Any) -> list[list[str]]:
        """Cut each text into tokens, in their order; none is empty or white space.

        Parameters
        ----------
        X : sequence of str, shape (n_samples,)

        Returns
        -------
        list of list of str, shape (n_samples,)
        """
        cut = self.cutter()
        return [cut(text) for text in check_texts(X)]

    def settings(self) -> dict[str, Any]:
        """Return JSON values from which ``make_segmenter(**settings)`` rebuilds this segmenter exactly."""
        return {"name": self.name, **self.get_params()}

    @abstractmethod
    def cutter(self) -> Callable[[str], list[str]]:
        """Check the settings and return the function that cuts one text."""
