r"""Occlusion: leave each segment out and see what becomes of the answer; works with every model.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, with words in place of patches.
The weight of a segment is by how much the logarithm of the odds falls without it,

.. math:: \ln \frac{p}{1 - p} - \ln \frac{p_{-s}}{1 - p_{-s}}

since near 0 and 1 differences of probabilities say little. Where labels exclude each other, 1 - p is the sum of the
other probabilities, so that it is not rounded away. Single segments do not tell the whole: of two words that say the
same each may weigh nothing. The base is what is left of the text's log-odds.

Cost: as many texts are scored as there are segments, all at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fenlei.explain.explainer import Explainer, Weights
from fenlei.explain.reading import Reading
from fenlei.explain.segments import Span
from fenlei.features._types import F64
from fenlei.features.alphabet import WORD, kinds

if TYPE_CHECKING:
    from fenlei.base import TextClassifier

_LEAST = 1e-12  # probability that counts as more than none


class OcclusionExplainer(Explainer):
    """Differences that leaving out makes."""

    name = "occlusion"
    most_segments: ClassVar[int | None] = 200

    @classmethod
    def explains(cls, model: TextClassifier) -> bool:
        """Whether the method knows this kind of model: any."""
        return True

    def weigh(self, reading: Reading, spans: Sequence[Span], classes: Sequence[int]) -> Weights:
        """Score the text whole and without each segment."""
        text = reading.alignment.original
        scores = self.model.predict_proba([text, *(without(text, span) for span in spans)])
        odds = _log_odds(scores, exclusive=not self.model.multi_label_)[:, list(classes)]
        weights = odds[0] - odds[1:]
        return Weights(weights, odds[0] - weights.sum(axis=0))


def without(text: str, span: Span) -> str:
    """Leave a segment out; words of spaced scripts that would become one are kept apart.

    Examples
    --------
    >>> without("房间很干净", (2, 3)), without("good,cheap", (4, 5))
    ('房间干净', 'good cheap')
    """
    before, after = text[: span[0]], text[span[1] :]
    return f"{before} {after}" if _is_word(before[-1:]) and _is_word(after[:1]) else before + after


def _is_word(char: str) -> bool:
    return bool(char) and int(kinds()[ord(char)]) == WORD


def _log_odds(scores: F64, *, exclusive: bool) -> F64:
    against = 1 - scores
    if exclusive:
        against = np.stack([np.delete(scores, k, axis=1).sum(axis=1) for k in range(scores.shape[1])], axis=1)
    odds: F64 = np.log(np.maximum(scores, _LEAST)) - np.log(np.maximum(against, _LEAST))
    return odds
