"""Around the application: counts requests and their time, tells of defects, guards the headers."""

from __future__ import annotations

import logging
import time
import traceback
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fenlei.serve.errors import ServeError
from fenlei.serve.sending import send_error
from fenlei.serve.service import Service

_log = logging.getLogger(__name__)
_FRAMES = 6  # of a defect, that the log shows
_LEFT = 499  # status under which requests are counted whose client left; none is sent
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class Gate:
    """The outermost layer of the application.

    Parameters
    ----------
    app : ASGI application
    service : Service
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, and see to it that it is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        guarded = _Sender(send)
        await self._pass_on(scope, receive, guarded)
        self._count(scope, guarded.status, time.perf_counter() - start)

    async def _pass_on(self, scope: Scope, receive: Receive, send: _Sender) -> None:
        self._service.n_accepted += 1
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # noqa: BLE001  (a defect; its message may quote a text)
            frames = "".join(traceback.format_tb(error.__traceback__, limit=-_FRAMES))
            _log.error("%s in %s %s\n%s", type(error).__name__, scope["method"], _route(scope), frames)
            if not send.status:
                defect = ServeError(500, "internal_error", "a defect of fenlei; see the log")
                await send_error(scope, send, defect)
        finally:
            self._service.n_accepted -= 1

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        metrics, route = self._service.metrics, _route(scope)
        metrics.requests.labels(route, _method(scope), str(status or _LEFT)).inc()
        metrics.seconds.labels(route).observe(seconds)


class _Sender:
    """Sends, notes the status, and adds the headers that guard a browser."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
        await self._send(message)


def _route(scope: Scope) -> str:
    """Name the route by its pattern: names in addresses must not become labels of their own."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "")) or "other"


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE") else "other"
