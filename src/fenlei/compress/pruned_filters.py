"""Prune a textcnn: fewer filters of each width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fenlei.compress.copies import like
from fenlei.compress.importance import Numbers, Seen, most_important, n_kept, watch

if TYPE_CHECKING:
    from fenlei.models.textcnn import TextCnnClassifier


def prune_filters(model: TextCnnClassifier, texts: Sequence[str], keep: float) -> TextCnnClassifier:
    """Keep the filters that matter most for the answers to some texts; the last bias takes over the others' means.

    Parameters
    ----------
    model : TextCnnClassifier
    texts : sequence of str
    keep : float
        Share of each width, above 0 and at most 1.
    """
    network: Any = model.network_
    examples = _examples(model, texts)
    (seen,) = watch(network, [network.head], examples)
    kept, begin = [], 0
    scores = _scores(network, seen, centred=not model.multi_label_)
    for n in network.convolution.filters:
        kept.append([begin + f for f in most_important(scores[begin : begin + n], n_kept(n, keep))])
        begin += n
    pruned: TextCnnClassifier = like(model, filters=[len(filters) for filters in kept])
    pruned.network_ = pruned._empty_network(network.config.dim).eval()
    pruned.network_.load_state_dict(network.state_dict() | _cut(network, kept, seen.mean))
    pruned.finish(pruned.network_, examples)
    return pruned


def _examples(model: TextCnnClassifier, texts: Sequence[str]) -> Any:
    """Texts with the classes that the model itself gives them."""
    from fenlei.engine.recipe import Run

    scores = model.predict_proba(list(texts))
    answers = (scores >= 0.5).astype(np.float32) if model.multi_label_ else scores.argmax(1)
    return model.make_examples(model.prepare(list(texts)), answers, np.ones(len(texts), np.float32), Run())


def _scores(network: Any, seen: Seen, *, centred: bool) -> Numbers:
    """Weigh each filter, of which k-max pooling keeps several answers; what all classes share moves none."""
    weight = network.head.weight.detach().cpu().double().numpy()
    weight = weight - weight.mean(0) if centred else weight
    each: Numbers = (weight**2).sum(0) * seen.power(centred=True)
    return each.reshape(len(network.convolution.bias), -1).sum(1)


def _cut(network: Any, kept: list[list[int]], mean: Numbers) -> dict[str, Any]:
    """Cut convolution and last layer; the taps of a width stand one after another, each with all filters."""
    convolution, head = network.convolution, network.head
    columns, at, begin = [], 0, 0
    for width, n, filters in zip(convolution.widths, convolution.filters, kept, strict=True):
        columns += [at + tap * n + f - begin for tap in range(width) for f in filters]
        at, begin = at + width * n, begin + n
    every = [f for filters in kept for f in filters]
    values = convolution.out_features // len(convolution.bias)  # of a filter
    features = [f * values + i for f in every for i in range(values)]
    gone = np.setdiff1d(np.arange(len(mean)), features)
    weight, bias = head.weight.detach(), head.bias.detach()
    moved = weight[:, gone].double() @ bias.new_tensor(mean[gone]).double()
    return {
        "convolution.weight": convolution.weight.detach()[:, columns],
        "convolution.bias": convolution.bias.detach()[every],
        "head.weight": weight[:, features],
        "head.bias": (bias.double() + moved).to(bias.dtype),
    }
