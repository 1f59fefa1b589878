"""``/feedback`` and ``/v1/monitor``: the true labels, when they are known, and what they tell."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from fenlei.serve.errors import ServeError, to_bytes
from fenlei.serve.recording import Recording
from fenlei.serve.routes._common import ALWAYS, OF_JSON, JsonRoute, answer, errors, service_of
from fenlei.serve.schemas import FeedbackRequest, Status

router = APIRouter(route_class=JsonRoute, tags=["monitor"])


@router.post("/feedback", response_model=Status, responses=errors(*OF_JSON, 404, 429, 500))
async def feedback(body: FeedbackRequest, request: Request) -> Response:
    """Tell the true label of a prediction; the last word counts."""
    recording = _recording(request)
    if not await recording.feedback(body.id, body.truth):
        raise ServeError(404, "unknown_prediction", "no prediction of that id")
    return answer({"status": "recorded"})


@router.get("/v1/monitor", responses=errors(*ALWAYS, 404, 429, 500))
async def monitor(request: Request, model: str | None = None) -> Response:
    """Tell what came in during the last week, what a model answered, and how that differs from its training."""
    recording = _recording(request)
    summary = await recording.summary(service_of(request).registry.get(model))
    return Response(to_bytes(summary), media_type="application/json")


def _recording(request: Request) -> Recording:
    recording = service_of(request).recording
    if recording is None:
        raise ServeError(404, "no_monitor", "nothing is recorded; start the service with --monitor DB")
    return recording
