"""The body of a request, counted as its bytes come: what it says of its own length is not believed."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from fenlei.serve.errors import ClientLeft, ServeError
from fenlei.serve.sending import send_error
from fenlei.serve.settings import Limits

_MOST_DISCARDED = 20  # times the limit: so much of a body that is too long is read on, for its client to see why


class BodyLimit:
    """Read each body whole, within limits, before the application sees the request.

    Parameters
    ----------
    app : ASGI application
    limits : Limits
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413 or 408."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await self._read(scope, receive)
        except TimeoutError:
            await send_error(scope, send, _slow(self._limits.body_seconds), close=True)
        except ClientLeft:
            return
        except ServeError as error:
            await send_error(scope, send, error, close=True, before_end=lambda: self._discard(receive))
        else:
            await self._app(scope, _Replay(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        most = self._limits.body
        if _said_length(scope) > most:
            raise _too_large(most)
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            part = message.get("body", b"")
            size += len(part)
            if size > most:
                raise _too_large(most)
            parts.append(part)
            more = message.get("more_body", False)
        return b"".join(parts)

    async def _discard(self, receive: Receive) -> None:
        """Read what still comes, for a while: a client that is cut off while it sends may never read its answer."""
        size, more = 0, True
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                while more and size < _MOST_DISCARDED * self._limits.body:
                    message: Any = await receive()
                    size += len(message.get("body", b""))
                    more = message.get("more_body", False)
        except TimeoutError:
            return


class _Replay:
    """Give a body that was read, then what else the connection has to tell."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Any:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _said_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0


def _too_large(most: int) -> ServeError:
    return ServeError(413, "body_too_large", f"the body has more than {most:,} bytes; send less at a time")


def _slow(seconds: float) -> ServeError:
    return ServeError(408, "slow_body", f"the body did not come within {seconds:g} seconds")
