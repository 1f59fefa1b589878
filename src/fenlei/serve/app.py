"""The application: routes, limits and errors put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

import fenlei
from fenlei.serve.door import Door, GuardedApp
from fenlei.serve.errors import ClientLeft, ServeError
from fenlei.serve.gate import Gate
from fenlei.serve.keys import ApiKeys
from fenlei.serve.limits import BodyLimit
from fenlei.serve.loading import Load, load_version
from fenlei.serve.routes import feedback, health, inference, models, pages, predict, table
from fenlei.serve.service import Service
from fenlei.serve.settings import ServeSettings

_CODES = {400: "bad_request", 404: "not_found", 405: "wrong_method"}
_MESSAGES = {400: "the body is no JSON, or nested too deep", 404: "there is nothing at this address"}
_DESCRIPTION = (
    'Labels for texts. Errors are JSON: {"error": {"code": ..., "message": ...}}, or below /v2 {"error": ...}.'
)
_KINDS = {"extra_forbidden": "unknown_field", "missing": "missing_field", "json_invalid": "bad_json"}


def create_app(settings: ServeSettings, load: Load = load_version) -> FastAPI:
    """Make the ASGI application; the models are loaded at once.

    Parameters
    ----------
    settings : ServeSettings
    load : callable, optional
        Gives the model of a folder and its version.

    Raises
    ------
    ModelFolderError
        When a model cannot be loaded.
    """
    service = Service(settings, load)
    app = GuardedApp(
        title="fenlei", version=fenlei.__version__, description=_DESCRIPTION, docs_url=None,
        redoc_url=None, lifespan=_life, redirect_slashes=False, middleware=[
            Middleware(Gate, service=service),
            Middleware(ApiKeys, keys=settings.keys),
            Middleware(BodyLimit, limits=settings.limits),
        ],
    )  # fmt: skip
    app.state.service, app.state.door = service, Door(service)
    for one in (predict, models, table, feedback, inference, health, pages):
        app.include_router(one.router)
    app.router.routes.append(pages.files)
    app.add_exception_handler(ServeError, _told)
    app.add_exception_handler(ClientLeft, _left)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    await app.state.service.start()
    yield
    await app.state.service.close()


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServeError)  # noqa: S101  (it is registered for these)
    return Response(error.body(request.scope["path"]), error.status, error.headers(), "application/json")


async def _left(request: Request, error: Exception) -> Response:
    request.app.state.service.metrics.left.inc()
    return Response(status_code=499)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first: dict[str, Any] = error.errors()[0]
    place = _place([part for part in first["loc"] if part not in ("body", "query", "path")])
    code = _KINDS.get(first["type"], "wrong_type" if first["type"].endswith("_type") else "invalid")
    status = 400 if code == "bad_json" else 422
    message = str(first["msg"]).removeprefix("Value error, ")
    return await _told(request, ServeError(status, code, f"{place}: {message}" if place else message))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    status = error.status_code
    told = ServeError(status, _CODES.get(status, "refused"), _MESSAGES.get(status, str(error.detail)))
    response = await _told(request, told)
    response.headers.update(error.headers or {})
    return response


def _place(parts: Sequence[Any]) -> str:
    """Write a place as in ``inputs[3]``."""
    place = ""
    for part in parts:
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    return place.lstrip(".")[:200]
