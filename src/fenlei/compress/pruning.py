"""Structured pruning: whole filters, hidden units, heads and layers go, and what is left learns to make up for them.

Recovery training is distillation: the smaller network learns the answers that the whole one gives, from where pruning
left it. So labels are of use, but not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fenlei._checks import check_value
from fenlei.compress.teaching import Labelled, check_truth, make_lesson
from fenlei.engine.recipe import Run
from fenlei.exceptions import SettingError

if TYPE_CHECKING:
    from fenlei.base import TextClassifier

_LOOKED_AT = 2000  # texts, to see which units matter
_RATE = 0.5  # of the learning rate that the model was trained with


def prune(
    model: TextClassifier, *, train: Labelled | None = None, texts: Sequence[str] = (), seed: int = 13,
    run: Run | None = None, keep: float = 0.5, keep_layers: float = 1.0, keep_heads: float = 1.0, epochs: int = 2,
    learning_rate: float | None = None, truth: float = 0.0,
) -> TextClassifier:  # fmt: skip
    """Make a narrower or shallower network of a trained one.

    Parameters
    ----------
    model : TextCnnClassifier or EncoderClassifier
        Trained. It stays as it is.
    train : (texts, labels), optional
    texts : sequence of str, optional
        Texts without labels, to learn from beside those of `train`; some are needed.
    seed : int, default=13
        Of the texts that are looked at, and of recovery.
    run : Run, optional
    keep : float, default=0.5
        Share of the filters of each width, or of the hidden units of each layer, that stays; above 0, at most 1.
    keep_layers, keep_heads : float, default=1.0
        Of an encoder: shares of its layers, and of the attention heads of each, that stay.
    epochs : int, default=2
        Of recovery; 0 for none.
    learning_rate : float or None, default=None
        The highest of recovery; None is half of what the model was trained with.
    truth : float, default=0.0
        Share of the label in what is learned of a labelled text, 0 to 1; the rest is the whole model's answer.

    Raises
    ------
    SettingError
        When the model is of another family, a share is out of its range, or its encoder cannot be made smaller so.
    NotFittedError
        When the model is not trained.

    Examples
    --------
    >>> from fenlei.models.textcnn import TextCnnClassifier
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = TextCnnClassifier(epochs=20, dim=16, filters=8).fit(texts, ["good", "good", "bad", "bad"])
    >>> small = prune(model, texts=texts, keep=0.25)
    >>> small.filters, small.predict(texts).tolist()
    ([2, 2, 2, 2], ['good', 'good', 'bad', 'bad'])
    """
    shares = {"keep": keep, "keep_layers": keep_layers, "keep_heads": keep_heads}
    _check(shares, epochs, learning_rate, truth)
    cut = _way(model, shares, run or Run())
    known = [*(train[0] if train is not None else ()), *texts]
    if not known:
        raise SettingError("pruning needs texts, to see which units matter; give labelled ones or others")
    lesson = make_lesson(model, train, texts, truth=truth, run=run) if epochs else None
    drawn = np.random.default_rng(seed).permutation(len(known))[:_LOOKED_AT]
    pruned = cut(model, [known[i] for i in drawn])
    if lesson is not None:
        _recover(pruned, lesson, {"epochs": epochs, "learning_rate": learning_rate, "seed": seed}, run)
    return pruned


def _check(shares: dict[str, float], epochs: int, learning_rate: float | None, truth: float) -> None:
    for name, share in shares.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
            raise SettingError(f"{name} must be a share above 0 and at most 1; got {share!r}")
    check_value("epochs", epochs, least=0, whole=True)
    check_value("learning_rate", learning_rate, above=0, most=100, optional=True)
    check_truth(truth)


def _way(model: TextClassifier, shares: dict[str, float], run: Run) -> Callable[[Any, list[str]], Any]:
    """Choose the function that cuts, by the family of the model, and refuse at once what it could not do."""
    if model.family == "encoder":
        from fenlei.compress.pruned_encoder import check_encoder, prune_encoder

        check_encoder(model, **shares)
        return lambda whole, texts: prune_encoder(whole, texts, run, **shares)
    if model.family != "textcnn":
        raise SettingError(f"a textcnn or an encoder can be pruned, and this is a {model.family}; distil it instead")
    if shares["keep_layers"] != 1 or shares["keep_heads"] != 1:
        raise SettingError("a textcnn has neither layers nor heads to leave out; set keep alone")
    from fenlei.compress.pruned_filters import prune_filters

    model._check_fitted("network_")
    return lambda whole, texts: prune_filters(whole, texts, shares["keep"])


def _recover(pruned: Any, lesson: Any, settings: dict[str, Any], run: Run | None) -> None:
    """Train on, with other settings than the model keeps: those are of the training it had from labels."""
    own, past = pruned.get_params(), (pruned.history_, pruned.best_epoch_)
    rate = settings["learning_rate"] or _RATE * pruned._recipe().learning_rate
    change = settings | {"learning_rate": rate, "class_weight": None, "label_smoothing": 0.0, "stop_after": None}
    ready = getattr(pruned, "_set_strategy", None)
    if ready is not None:
        change |= {"strategy": "full", "fresh_layers": 0, "mixout": 0.0}
    pruned.set_params(**change)
    if ready is not None:
        ready(pruned.network_)
    try:
        pruned.go_on(lesson.texts, lesson.probabilities, run=run)
    finally:
        pruned.set_params(**own)
        pruned.history_, pruned.best_epoch_ = past
