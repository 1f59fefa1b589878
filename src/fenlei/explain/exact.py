"""Exact contributions, of models whose score is a sum of what n-grams or tokens add to it.

What an n-gram adds is shared equally by the characters that it covers, white space not among them, and each segment
gets the sum of its characters. What covers no character of a segment goes to the base: the bias, a text's boundaries on
their own, spaces between Chinese sentences. So base and weights sum to the class's raw score, that is before the
function that makes it a probability:

- ``tfidf`` and ``nbsvm``: the score of the class against the rest. Of two classes there is one score, which speaks for
  the second and, with the opposite sign, for the first.
- ``folded``: the logit. What a filter sees under the places that pooling keeps is shared out to the tokens there; see
  `fenlei.layers.contributions`.

Scores that go through a softmax, those of a folded model for labels that exclude each other and those of naive Bayes,
are taken less their mean over the classes. That changes no probability, and without it a word that raises all logits
alike would seem to speak for each of the classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fenlei.explain.explainer import Explainer, Weights
from fenlei.explain.reading import Reading
from fenlei.explain.segments import Span
from fenlei.features._types import F64, I64
from fenlei.features.alphabet import SPACE, kinds
from fenlei.features.occurrences import occurrences
from fenlei.features.places import id_places
from fenlei.layers.contributions import token_contributions
from fenlei.models._linear_text import LinearTextClassifier
from fenlei.models.folded import FoldedClassifier

if TYPE_CHECKING:
    from fenlei.base import TextClassifier


class Parts(NamedTuple):
    """What the parts of a document add to the scores of some classes.

    Attributes
    ----------
    begins, ends : arrays of shape (n_parts,)
        Characters of the document that each part covers; none if they are equal.
    values : array of shape (n_parts, n_classes)
    base : array of shape (n_classes,)
    """

    begins: I64
    ends: I64
    values: F64
    base: F64


class ExactExplainer(Explainer):
    """Weights that add up to the score."""

    name = "exact"

    @classmethod
    def explains(cls, model: TextClassifier) -> bool:
        """Whether the model's score is such a sum."""
        return isinstance(model, tuple(_PARTS))

    def weigh(self, reading: Reading, spans: Sequence[Span], classes: Sequence[int]) -> Weights:
        """Share the scores out to the characters, and add up those of each segment."""
        parts_of = next(parts for kind, parts in _PARTS.items() if isinstance(self.model, kind))
        parts = parts_of(self.model, reading.document, np.asarray(classes))
        characters, base = _spread(parts, _visible(reading.document))
        starts, ends = np.array(spans, np.int64).reshape(-1, 2).T
        segment = np.searchsorted(starts, reading.begins, side="right") - 1
        inside = segment >= 0
        inside[inside] = reading.begins[inside] < ends[segment[inside]]
        weights = np.zeros((len(spans), len(classes)))
        np.add.at(weights, segment[inside], characters[inside])
        return Weights(weights, base + characters[~inside].sum(axis=0))


def _linear_parts(model: LinearTextClassifier, document: str | list[str], classes: I64) -> Parts:
    """Tell what each occurrence of an n-gram adds: an equal share of its value times its weight."""
    found = occurrences(model.features_, document)
    rows = model.features_.rows([document])
    order = np.argsort(rows.columns)
    row = order[np.searchsorted(rows.columns, found.columns, sorter=order)]
    shares = rows.values[row] / np.bincount(row, minlength=len(order))[row]
    values = model.linear_.weights[found.columns] * shares[:, None]
    return Parts(
        found.begins, found.ends, _by_class(model, values)[:, classes], _by_class(model, model.linear_.bias)[classes]
    )


def _by_class(model: LinearTextClassifier, given: NDArray[Any]) -> F64:
    """Turn scores of problems, in the last axis, into scores of classes."""
    scores = given.astype(np.float64)
    if scores.shape[-1] < len(model.classes_):
        return np.concatenate([-scores, scores], axis=-1)
    return _centred(scores) if model.linear_.link == "softmax" else scores


def _centred(scores: F64) -> F64:
    return scores - scores.mean(axis=-1, keepdims=True)


def _folded_parts(model: FoldedClassifier, document: str | list[str], classes: I64) -> Parts:
    """Tell what each token adds."""
    channels = model.inputs_.transform([document])
    ids = np.stack([channel[0] for channel in channels])[:, : model.max_length_]
    places = id_places(model.inputs_, document)[: ids.shape[1]]
    weight, bias = model.head_weight_.astype(np.float64), model.head_bias_.astype(np.float64)
    if not model.multi_label_:
        weight, bias = _centred(weight.T).T, _centred(bias)
    values, biases = token_contributions(model.convolution_, ids, weight[classes])
    return Parts(places[:, 0], places[:, 1], values, biases + bias[classes])


_PARTS: Mapping[type[Any], Callable[[Any, str | list[str], I64], Parts]] = {
    LinearTextClassifier: _linear_parts,
    FoldedClassifier: _folded_parts,
}


def _visible(document: str | list[str]) -> I64:
    """Count the characters before each that are not white space; shape (n_characters + 1,)."""
    text = "".join(document)
    codes = np.fromiter(map(ord, text), np.int64, len(text))
    return np.concatenate([[0], np.cumsum(kinds()[codes] != SPACE)]).astype(np.int64)


def _spread(parts: Parts, visible: I64) -> tuple[F64, F64]:
    """Share each part out to its visible characters; what has none goes to the base."""
    width = visible[parts.ends] - visible[parts.begins]
    covers = width > 0
    shares = parts.values[covers] / width[covers, None]
    steps = np.zeros((len(visible), parts.values.shape[1]))
    np.add.at(steps, parts.begins[covers], shares)
    np.add.at(steps, parts.ends[covers], -shares)
    seen = np.diff(visible)[:, None]
    return np.cumsum(steps, axis=0)[:-1] * seen, parts.base + parts.values[~covers].sum(axis=0)
