"""``/v2``: the Open Inference Protocol."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response

import fenlei
from fenlei.serve.errors import ServeError, not_ready
from fenlei.serve.inference import (
    InferAnswer,
    InferError,
    InferRequest,
    ModelMetadata,
    ServerMetadata,
    infer_answer,
    metadata,
)
from fenlei.serve.predicting import Wish, predict
from fenlei.serve.routes._common import ALWAYS, OF_A_MODEL, JsonRoute, answer, errors, service_of
from fenlei.serve.served import ServedModel

_errors = partial(errors, model=InferError)
router = APIRouter(prefix="/v2", route_class=JsonRoute, tags=["open inference protocol"], responses=_errors(*ALWAYS))
_NOT_FOUND, _OF_A_MODEL = _errors(404), _errors(*OF_A_MODEL)
_MODEL, _VERSION = "/models/{name}", "/models/{name}/versions/{version}"


@router.get("/health/live")
async def is_live() -> dict[str, bool]:
    """Whether the process lives."""
    return {"live": True}


@router.get("/health/ready")
async def is_ready(request: Request) -> dict[str, bool]:
    """Whether all models answer."""
    if not service_of(request).is_ready:
        raise not_ready("the service")
    return {"ready": True}


@router.get("", response_model=ServerMetadata)
async def describe_server() -> Response:
    """Tell what this is."""
    return answer({"name": "fenlei", "version": fenlei.__version__, "extensions": []})


@router.get(_MODEL, response_model=ModelMetadata, responses=_NOT_FOUND)
@router.get(_VERSION, response_model=ModelMetadata, responses=_NOT_FOUND)
async def describe_model(name: str, request: Request, version: str | None = None) -> Response:
    """Tell what a model takes and gives."""
    return answer(metadata(_find(request, name, version).facts()))


@router.get(f"{_MODEL}/ready", responses=_NOT_FOUND)
@router.get(f"{_VERSION}/ready", responses=_NOT_FOUND)
async def is_model_ready(name: str, request: Request, version: str | None = None) -> dict[str, str | bool]:
    """Whether a model answers."""
    if not _find(request, name, version).is_healthy:
        raise not_ready("the model")
    return {"name": name, "ready": True}


@router.post(f"{_MODEL}/infer", response_model=InferAnswer, responses=_OF_A_MODEL)
@router.post(f"{_VERSION}/infer", response_model=InferAnswer, responses=_OF_A_MODEL)
async def infer(name: str, body: InferRequest, request: Request, version: str | None = None) -> Response:
    """Label texts; several labels of one text come as a JSON list."""
    _find(request, name, version)
    wanted = body.wanted()
    found = await predict(service_of(request), Wish(body.texts(), name), request.receive)
    return answer(infer_answer(found, wanted, body.id))


def _find(request: Request, name: str, version: str | None) -> ServedModel:
    served = service_of(request).registry.get(name)
    if version not in (None, served.version):
        raise ServeError(404, "unknown_version", f"the version in service is {served.version}")
    return served
