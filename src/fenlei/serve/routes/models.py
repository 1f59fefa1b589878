"""``/v1/models``: what is in service, and the exchange of a version."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from fenlei.serve.routes._common import ALWAYS, answer, errors, service_of
from fenlei.serve.schemas import ModelFacts, Models

router = APIRouter(prefix="/v1/models", tags=["models"], responses=errors(*ALWAYS))


@router.get("", response_model=Models)
async def list_models(request: Request) -> Response:
    """List the models in service, the default one first."""
    return answer({"models": [served.facts() for served in service_of(request).registry.all()]})


@router.post("/{name}/reload", response_model=ModelFacts, responses=errors(404, 422))
async def reload_model(name: str, request: Request) -> Response:
    """Load the version that is now in the model's folder; requests in flight keep the one they came to."""
    served = await service_of(request).registry.reload(name)
    return answer(served.facts())
