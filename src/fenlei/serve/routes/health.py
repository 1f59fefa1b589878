"""``/health``, ``/ready`` and ``/metrics``: for those who run the service."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from fenlei.serve.routes._common import ALWAYS, answer, errors, service_of
from fenlei.serve.schemas import Readiness, Status

router = APIRouter(tags=["operation"])


@router.get("/health", response_model=Status)
async def health() -> Response:
    """Whether the process lives; if not, start it again."""
    return answer({"status": "alive"})


@router.get("/ready", response_model=Readiness, responses={503: {"model": Readiness, "description": "Not ready."}})
async def ready(request: Request) -> Response:
    """Whether requests are taken; if not, send them elsewhere."""
    service = service_of(request)
    models = {served.name: served.is_healthy for served in service.registry.all()}
    return answer({"ready": service.is_ready, "models": models}, 200 if service.is_ready else 503)


@router.get("/metrics", responses={200: {"content": {"text/plain": {}}}, **errors(*ALWAYS)}, response_class=Response)
async def metrics(request: Request) -> Response:
    """Figures for Prometheus."""
    service = service_of(request)
    if service.recording is not None:
        service.metrics.monitored.gauges = service.recording.gauges(service.registry.all())
    return Response(service.metrics.render(), media_type=CONTENT_TYPE_LATEST)
