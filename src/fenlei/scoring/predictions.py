"""What a model says of a text, as the JSON object that files, standard output and HTTP hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fenlei.base import Floats, TextClassifier

Prediction = dict[str, Any]


def as_predictions(model: TextClassifier, scores: Floats, *, shown: int = 0) -> list[Prediction]:
    """Decide by the scores of some texts.

    Parameters
    ----------
    model : TextClassifier
    scores : array of shape (n_texts, n_classes)
        What its ``predict_proba`` gave.
    shown : int, default=0
        How many of the likeliest classes to give as ``scores``, best first.

    Returns
    -------
    list of dict
        ``label``, or ``labels`` of a multi-label model; ``score``, the highest probability of a class; ``scores``.

    Examples
    --------
    >>> from fenlei import TfidfClassifier
    >>> model = TfidfClassifier().fit(["很好", "好看", "很差", "难看"], ["good", "good", "bad", "bad"])
    >>> (one,) = as_predictions(model, model.predict_proba(["好"]), shown=2)
    >>> one["label"], one["score"] == max(one["scores"].values()), list(one["scores"])
    ('good', True, ['good', 'bad'])
    """
    labels = model.labels_from_scores(scores)
    plain = labels if isinstance(labels, list) else labels.tolist()
    key = "labels" if model.multi_label_ else "label"
    best = scores.max(axis=1).tolist()
    made: list[Prediction] = [{key: x, "score": s} for x, s in zip(plain, best, strict=True)]
    if shown:
        names = [str(name) for name in model.classes_.tolist()]
        orders = (-scores).argsort(axis=1, kind="stable")[:, :shown].tolist()
        for prediction, order, row in zip(made, orders, scores.tolist(), strict=True):
            prediction["scores"] = {names[k]: row[k] for k in order}
    return made
