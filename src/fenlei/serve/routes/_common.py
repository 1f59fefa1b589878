"""What the routes share: how to the service, JSON answers, and the errors told in the OpenAPI schema."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from fenlei.serve.errors import ServeError, to_bytes
from fenlei.serve.leaving import ending_when_left
from fenlei.serve.schemas import Error
from fenlei.serve.service import Service

_Result = TypeVar("_Result")
_ERRORS = {
    400: "The body is no JSON.",
    401: "An API key is missing or wrong.",
    404: "There is nothing of that name.",
    408: "The body came too slowly.",
    413: "Too many bytes, texts or characters.",
    415: "The body is of another type.",
    422: "The body is not as it must be.",
    429: "More than can be answered in time; Retry-After says when to come again.",
    500: "The model failed.",
    503: "Not ready, or shutting down.",
}


def errors(*statuses: int, model: type[BaseModel] = Error) -> dict[int | str, dict[str, Any]]:
    """Describe the errors of a route."""
    return {status: {"model": model, "description": _ERRORS[status]} for status in statuses}


ALWAYS = (401, 408, 413, 503)
OF_JSON = (*ALWAYS, 400, 415, 422)
OF_A_MODEL = (*OF_JSON, 404, 429, 500)


class JsonRoute(APIRoute):
    """A route that takes JSON and says so when it gets something else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Look at the type of the content before it is read."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if self.body_field is not None and kind != "application/json" and not kind.endswith("+json"):
                raise ServeError(415, "not_json", "the body must be JSON: send Content-Type: application/json")
            return await handle(request)

        return handle_json


def service_of(request: Request) -> Service:
    """Give the service that the request came to."""
    return cast("Service", request.app.state.service)


def answer(value: Any, status: int = 200) -> Response:
    """Write JSON."""
    return Response(to_bytes(value), status, media_type="application/json")


async def unless_left(request: Request, work: asyncio.Future[_Result]) -> _Result:
    """Wait for work as long as the client does; its body must have been read."""
    async with ending_when_left(request.receive, work):
        return await work
