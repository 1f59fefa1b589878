"""Prune an encoder: fewer layers, fewer hidden units in each, fewer attention heads."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fenlei.compress.copies import like, with_encoder
from fenlei.compress.importance import Numbers, Seen, most_important, n_kept, watch
from fenlei.compress.teaching import told
from fenlei.exceptions import SettingError

if TYPE_CHECKING:
    from fenlei.encoders.smaller import Cut
    from fenlei.engine.recipe import Run
    from fenlei.models.encoder import EncoderClassifier

_TRIED = 64  # texts that are scored without each layer, again and again


def check_encoder(model: Any, *, keep: float, keep_layers: float, keep_heads: float) -> None:
    """See whether a model can be pruned to some shares, without doing it.

    Raises
    ------
    NotFittedError
        When the model is not trained.
    SettingError
        When the encoder's configuration cannot say what is asked for, or mixed layers would have to go.
    """
    from fenlei.encoders import smaller

    model._check_fitted("network_")
    encoder = model.network_.encoder
    if keep_layers < 1:
        _, layers = smaller.named_layers(encoder)
        if int(model.mix) > n_kept(len(layers), keep_layers):
            raise SettingError(f"mix={model.mix} layers are mixed, so that many must stay; raise keep_layers")
    _cut(encoder, smaller.n_units, smaller.cut_units, keep)
    _cut(encoder, smaller.n_heads, smaller.cut_heads, keep_heads)


def prune_encoder(
    model: EncoderClassifier, texts: Sequence[str], run: Run, *, keep: float, keep_layers: float, keep_heads: float
) -> EncoderClassifier:
    """Leave out the layers without which the answers to some texts change least, then hidden units and heads.

    Parameters
    ----------
    model : EncoderClassifier
    texts : sequence of str
    run : Run
        Told how many layers were left out, as trying each takes time.
    keep, keep_layers, keep_heads : float
        Shares of hidden units, layers and heads, above 0 and at most 1, that `check_encoder` has allowed.
    """
    from fenlei.encoders import smaller

    pruned = like(model)
    pruned.network_ = copy.deepcopy(model.network_)
    if keep_layers < 1:
        _drop_layers(pruned, list(texts[:_TRIED]), keep_layers, run)
    _narrow(pruned, texts, _cut(pruned.network_.encoder, smaller.n_units, smaller.cut_units, keep))
    _narrow(pruned, texts, _cut(pruned.network_.encoder, smaller.n_heads, smaller.cut_heads, keep_heads))
    pruned.network_.eval()
    return pruned


def _cut(encoder: Any, count: Callable[[Any], int], find: Callable[[Any, int], Cut], share: float) -> Cut | None:
    """Find what is to be cut for a share of the units; None where that is all of them."""
    if share == 1:
        return None
    n = count(encoder)
    kept = n_kept(n, share)
    return None if kept == n else find(encoder, kept)


def _narrow(model: EncoderClassifier, texts: Sequence[str], cut: Cut | None) -> None:
    """Leave out the units of each layer that matter least."""
    if cut is None:
        return
    import torch

    from fenlei.encoders.smaller import without_units

    encoder: Any = model.network_.encoder
    takers = [encoder.get_submodule(name) for name in cut.takers]
    seen = watch(model.network_, takers, _examples(model, texts))
    kept = [most_important(_scores(*pair, cut), cut.n_kept) for pair in zip(takers, seen, strict=True)]
    means = [torch.tensor(one.mean, dtype=torch.float32) for one in seen]
    model.network_ = with_encoder(model, without_units(encoder, cut, kept, means))


def _scores(taker: Any, seen: Seen, cut: Cut) -> Numbers:
    """Weigh each unit; a head is several numbers side by side."""
    from fenlei.encoders.smaller import has_bias, inputs_first

    weight = inputs_first(taker).double().cpu().numpy()
    each: Numbers = (weight**2).sum(1) * seen.power(centred=has_bias(taker))
    return np.array([each[cut.places([unit], len(each)).numpy()].sum() for unit in range(cut.n_units)])


def _drop_layers(model: EncoderClassifier, texts: list[str], share: float, run: Run) -> None:
    """Leave out the layer that is missed least, again and again; the first, which may be unlike others, stays."""
    from fenlei.encoders.smaller import named_layers, without_layers

    _, layers = named_layers(model.network_.encoder)
    kept = list(range(len(layers)))
    n = n_kept(len(layers), share)
    whole, begun = model.predict_proba(texts), time.monotonic()
    while len(kept) > n:
        gone = set(range(len(layers))) - set(kept)
        moved = [_moved(whole, _without(model, texts, [layers[i] for i in (*gone, one)])) for one in kept[1:]]
        kept.pop(1 + int(np.argmin(moved)))
        run.progress(told(len(layers) - len(kept), len(layers) - n, begun, "layers left out"))
    model.network_ = with_encoder(model, without_layers(model.network_.encoder, kept))


def _without(model: EncoderClassifier, texts: list[str], skipped: Sequence[Any]) -> Numbers:
    """Score texts while some layers hand on what they get."""

    def skip(layer: Any, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> Any:
        states = inputs[0] if inputs else named["hidden_states"]
        return (states, *output[1:]) if isinstance(output, tuple) else states

    handles = [layer.register_forward_hook(skip, with_kwargs=True) for layer in skipped]
    try:
        return model.predict_proba(texts)
    finally:
        for handle in handles:
            handle.remove()


def _moved(before: Numbers, after: Numbers) -> float:
    """Mean distance of answers, as the sum of what each class's probability changed by."""
    return float(np.abs(before - after).sum(1).mean())


def _examples(model: EncoderClassifier, texts: Sequence[str]) -> Any:
    from fenlei.engine.recipe import Run

    n = len(texts)
    return model.make_examples(model.prepare(list(texts)), np.zeros(n, np.int64), np.ones(n, np.float32), Run())
