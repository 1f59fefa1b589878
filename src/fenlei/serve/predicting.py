"""From the texts of a request to its predictions."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from starlette.types import Receive

from fenlei.base import Floats
from fenlei.monitor.records import new_id
from fenlei.scoring.predictions import Prediction, as_predictions
from fenlei.serve.errors import ClientLeft, ServeError, model_failed, not_ready
from fenlei.serve.explaining import check_explained, explain_text
from fenlei.serve.leaving import ending_when_left
from fenlei.serve.served import ServedModel
from fenlei.serve.service import Service
from fenlei.serve.settings import Limits


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
    arrived = asyncio.get_running_loop().time()
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
        explanations = await _explain(service, served, wish.texts, receive, arrived)
        for one, explanation in zip(predictions, explanations, strict=True):
            one["explanation"] = explanation
    _count(service, served, predictions)
    if service.recording is not None:
        seconds = asyncio.get_running_loop().time() - arrived
        service.recording.record(served, wish.texts, predictions, seconds)
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
    """Turn rows of scores into predictions, each with an id of its own."""
    found = as_predictions(served.model, rows, shown=len(served.model.classes_) if shown is None else shown)
    request = new_id(time.time())
    for i, one in enumerate(found):
        one["id"] = f"{request}-{i}"
        if abstain_below is not None and one["score"] < abstain_below:
            one["abstained"] = True
    return found


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
    service: Service, served: ServedModel, texts: list[str], receive: Receive, arrived: float
) -> list[dict[str, Any]]:
    calls = [partial(explain_text, served, text) for text in texts]
    answer = service.explainer.submit(calls, shed=served.shed, since=arrived)
    try:
        async with ending_when_left(receive, answer):
            return await answer
    except (ClientLeft, ServeError):
        raise
    except Exception as error:
        served.failed(error)
        raise model_failed(error) from error


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
