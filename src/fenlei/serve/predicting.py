"""From the texts of a request to its predictions."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.types import Receive

from fenlei.base import Floats
from fenlei.serve.errors import ServeError, not_ready
from fenlei.serve.explaining import check_explained, explain_texts
from fenlei.serve.leaving import ending_when_left
from fenlei.serve.served import ServedModel
from fenlei.serve.service import Service
from fenlei.serve.settings import Limits

Prediction = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """What a client asks of a model.

    Attributes
    ----------
    texts : list of str
    model : str, optional
        The default model without.
    shown : int, optional
        How many of the likeliest classes are shown with their probability; None shows all.
    explain : bool
    """

    texts: list[str]
    model: str | None = None
    shown: int | None = 0
    explain: bool = False


class Answer(NamedTuple):
    """The version that answered, its scores, and what they say."""

    served: ServedModel
    rows: Floats | None
    predictions: list[Prediction]


async def predict(service: Service, wish: Wish, receive: Receive) -> Answer:
    """Answer one request.

    Raises
    ------
    ServeError
        When it asks for too much, comes at a bad time, or the model fails.
    ClientLeft
        When nobody waits for the answer any more.
    """
    start = time.perf_counter()
    served = service.registry.get(wish.model)
    check_texts(wish.texts, service.settings.limits)
    if wish.explain:
        check_explained(wish.texts, service.settings.limits)
    if not served.is_healthy:
        raise not_ready(f"the model {served.name!r}")
    if not wish.texts:
        return Answer(served, None, [])
    rows = await _score(service, served, wish.texts, receive)
    predictions = describe(served, rows, wish.shown, service.settings.abstain_below)
    if wish.explain:
        await _explain(service, served, wish.texts, predictions, receive)
    _count(service, served, predictions)
    if service.recording is not None:
        await service.recording.record(served, wish.texts, predictions, time.perf_counter() - start)
    return Answer(served, rows, predictions)


def check_texts(texts: list[str], limits: Limits) -> None:
    """Refuse too many texts, and a text that is too long or no Unicode, by its place."""
    if len(texts) > limits.texts:
        raise ServeError(413, "too_many_texts", f"{len(texts):,} texts; at most {limits.texts:,} a request")
    for place, text in enumerate(texts):
        if len(text) > limits.characters:
            message = f"text {place} (from 0) has {len(text):,} characters; at most {limits.characters:,}"
            raise ServeError(413, "text_too_long", message)
        if not text.isascii() and not _is_unicode(text):
            message = f"text {place} (from 0) holds a lone surrogate, half a character; write whole characters"
            raise ServeError(422, "lone_surrogate", message)


def describe(served: ServedModel, rows: Floats, shown: int | None, abstain_below: float | None) -> list[Prediction]:
    """Turn rows of scores into predictions."""
    model = served.model
    labels = model.labels_from_scores(rows)
    key = "labels" if model.multi_label_ else "label"
    request = secrets.token_hex(8)
    plain = labels if isinstance(labels, list) else labels.tolist()
    found: list[Prediction] = [
        {"id": f"{request}-{i}", key: label, "score": score}
        for i, (label, score) in enumerate(zip(plain, rows.max(1).tolist(), strict=True))
    ]
    if abstain_below is not None:
        for one in found:
            if one["score"] < abstain_below:
                one["abstained"] = True
    if shown != 0:
        _show_scores(found, model.classes_.tolist(), rows, shown)
    return found


def _show_scores(found: list[Prediction], classes: list[Any], rows: Floats, shown: int | None) -> None:
    orders = (-rows).argsort(axis=1, kind="stable")[:, :shown].tolist()
    for one, order, row in zip(found, orders, rows.tolist(), strict=True):
        one["scores"] = {str(classes[k]): row[k] for k in order}


async def _score(service: Service, served: ServedModel, texts: list[str], receive: Receive) -> Floats:
    job = served.batcher.submit(texts)
    try:
        async with ending_when_left(receive, job.answer):
            scored = await job.answer
    finally:
        served.batcher.leave(job)
    service.metrics.stages.labels(served.name, "queue").observe(scored.queued)
    return scored.rows


async def _explain(
    service: Service, served: ServedModel, texts: list[str], predictions: list[Prediction], receive: Receive
) -> None:
    answer = service.explainer.submit(lambda: explain_texts(served, texts))
    async with ending_when_left(receive, answer):
        explanations = await answer
    for one, explanation in zip(predictions, explanations, strict=True):
        one["explanation"] = explanation


def _count(service: Service, served: ServedModel, predictions: list[Prediction]) -> None:
    for one in predictions:
        for label in one["labels"] if "labels" in one else [one["label"]]:
            service.metrics.predictions.labels(served.name, str(label)).inc()
        if "abstained" in one:
            service.metrics.abstentions.labels(served.name).inc()


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
