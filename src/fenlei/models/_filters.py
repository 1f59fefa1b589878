r"""Looking inside a convolution: the n-grams that excite each filter most, and the filters that speak for each class.

A network is asked about some of its training texts. A filter's n-gram in a text is where its answer is largest, which
with max pooling is all that the network sees of the text through this filter. How much filter f speaks for class c is

.. math:: s_{cf} = \max(0, v_{cf})\,(\bar y_{f,c} - \bar y_{f,\lnot c})

with the means of its pooled answer over the texts of the class and over the others, and v its weight in the last layer,
less the mean over the classes where only one can be right. Without the cut at 0, the sum over all filters is by how
much the class's score is higher on its own texts than on others: s is the filter's part of that. A weight alone would
not tell rare answers from frequent ones, and weight times mean answer would favour filters that answer to every text.
Filters of negative weight are left out: their n-grams tell of other classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fenlei.engine.batches import TokenExamples, in_length_order
from fenlei.features._types import F32, I32
from fenlei.features.sequences import Sequences
from fenlei.layers._conv_pool import conv_max
from fenlei.layers.conv_pool import TextConvolution
from fenlei.layers.embedding import Embedded

KEPT = 20  # filters of a class
_NGRAMS = 5  # of a filter
_TEXTS, _AT_ONCE = 4000, 512


@dataclass(frozen=True)
class ExcitedFilter:
    """A filter of a convolution as what excites it.

    Attributes
    ----------
    number : int
        Its place among all filters, from 0.
    width : int
        Tokens in a row that it sees.
    speaks : float
        Its part of what sets the class's score on its own texts above that on others.
    ngrams : tuple of (str, float)
        Distinct n-grams and the filter's answers to them before the activation, which makes large ones alike; largest
        first. What lies before or after a text is not spelled, so an n-gram may be shorter than the width.
    """

    number: int
    width: int
    speaks: float
    ngrams: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class _Seen:
    """What the network made of some texts: (n_texts, n_features) pooled, (n_texts, n_filters) largest and where."""

    features: F32
    answers: F32
    places: I32


def find_excited(
    network: Any, examples: TokenExamples, spell: Callable[[I32], str], *, seed: int
) -> list[list[ExcitedFilter]]:
    """Find the filters that speak most for each class, at most `KEPT`, most first.

    Parameters
    ----------
    network : TextCnn
        Trained.
    examples : TokenExamples
        Training texts; of more than 4,000 as many are drawn.
    spell : callable
        From the ids of an n-gram to its text.
    seed : int
    """
    drawn = _draw(examples, seed)
    seen = _ask(network.eval(), drawn)
    convolution: TextConvolution = network.convolution
    speaking = _speaking(_numpy(network.head.weight), seen.features, drawn.targets, len(convolution.bias))
    widths = np.repeat(convolution.widths, convolution.filters)
    known: dict[int, tuple[tuple[str, float], ...]] = {}
    found = []
    for row in speaking:
        best = [int(f) for f in np.argsort(-row, kind="stable")[:KEPT] if row[f] > 0]
        for f in best:
            if f not in known:
                known[f] = _ngrams(seen.answers[:, f], seen.places[:, f], int(widths[f]), drawn.channels[0], spell)
        found.append([ExcitedFilter(f, int(widths[f]), float(row[f]), known[f]) for f in best if known[f]])
    return found


def to_plain(found: list[list[ExcitedFilter]]) -> list[list[dict[str, Any]]]:
    """Give what `find_excited` found as JSON values."""
    return [[asdict(one) for one in of_class] for of_class in found]


def from_plain(plain: Any, n_classes: int) -> list[list[ExcitedFilter]]:
    """Take back what `to_plain` gave; ValueError, TypeError or KeyError when it is anything else."""
    if not isinstance(plain, list) or len(plain) != n_classes or not all(isinstance(part, list) for part in plain):
        raise ValueError("the filters are not those of the classes")
    return [[_from_plain(**one) for one in of_class] for of_class in plain]


def _from_plain(*, number: Any, width: Any, speaks: Any, ngrams: Any) -> ExcitedFilter:
    if not (type(number) is type(width) is int and type(speaks) is float):
        raise ValueError("a filter has whole numbers as its number and width")
    if not all(type(ngram) is str and type(answer) is float for ngram, answer in ngrams):
        raise ValueError("a filter's n-grams are texts with answers")
    return ExcitedFilter(number, width, speaks, tuple((ngram, answer) for ngram, answer in ngrams))


def _draw(examples: TokenExamples, seed: int) -> TokenExamples:
    order = np.sort(np.random.default_rng(seed).permutation(len(examples))[:_TEXTS])
    return examples.select(order)


def _ask(network: Any, examples: TokenExamples) -> _Seen:
    convolution: TextConvolution = network.convolution
    shape = len(examples), len(convolution.bias)
    features = np.empty((len(examples), convolution.out_features), np.float32)
    answers, places = np.empty(shape, np.float32), np.empty(shape, np.int32)
    with torch.inference_mode():
        for order in in_length_order(examples, _AT_ONCE):
            ids = examples.padded(order).to(network.device)
            embedded = network.embedding(network.tokens(ids))
            features[order] = _numpy(network.encode(embedded, None))
            answers[order], places[order] = _largest(convolution, embedded)
    return _Seen(features, answers, places)


def _largest(convolution: TextConvolution, embedded: Embedded) -> tuple[F32, I32]:
    """Give each filter's largest answer before activation and where it begins, whatever the pooling."""
    table, ids = _numpy(embedded.rows @ convolution.weight), np.ascontiguousarray(embedded.places.cpu().numpy())
    lengths = embedded.lengths.cpu().numpy()
    shape = len(lengths), len(convolution.bias)
    sums, places = np.empty(shape, np.float32), np.empty(shape, np.int32)
    widths, filters = np.array(convolution.widths), np.array(convolution.filters)
    conv_max(table, ids, lengths, widths, filters, convolution.stride, 0, len(lengths), sums, places)
    return sums + _numpy(convolution.bias), places


def _speaking(weight: F32, features: F32, targets: NDArray[Any], n_filters: int) -> NDArray[np.float64]:
    """How much each filter speaks for each class, shape (n_classes, n_filters); a filter may have several features."""
    n_classes = len(weight)
    if targets.ndim == 1:
        inside = targets[:, None] == np.arange(n_classes)
        weight = weight - weight.mean(0)
    else:
        inside = targets > 0
    out = np.zeros((n_classes, n_filters))
    for c in range(n_classes):
        own = inside[:, c]
        if own.any() and not own.all():
            higher = features[own].mean(0, np.float64) - features[~own].mean(0, np.float64)
            out[c] = (np.maximum(weight[c], 0) * higher).reshape(n_filters, -1).sum(1)
    return out


def _ngrams(
    answers: F32, places: I32, width: int, texts: Sequences, spell: Callable[[I32], str]
) -> tuple[tuple[str, float], ...]:
    """Collect the distinct n-grams with the largest answers above 0."""
    found: dict[str, float] = {}
    for text in np.argsort(-answers, kind="stable").tolist():
        if answers[text] <= 0 or len(found) == _NGRAMS:
            break
        first = int(places[text])
        ngram = spell(texts[text][max(first, 0) : first + width])
        if ngram:  # a text without tokens has none
            found.setdefault(ngram, float(answers[text]))
    return tuple(found.items())


def _numpy(tensor: Tensor) -> F32:
    array: F32 = tensor.detach().float().cpu().numpy()
    return array
