"""Send an error from outside of the application, where there are no routes yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import Scope, Send

from fenlei.serve.errors import ServeError


async def send_error(
    scope: Scope, send: Send, error: ServeError, *, close: bool = False,
    before_end: Callable[[], Awaitable[None]] | None = None,
) -> None:  # fmt: skip
    """Send a whole answer.

    Parameters
    ----------
    scope : ASGI scope
    send : ASGI send
    error : ServeError
    close : bool, default=False
        Whether the connection ends with it.
    before_end : async callable, optional
        Run when all bytes are sent, before the answer counts as complete.
    """
    body = error.body(scope["path"])
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **error.headers()}
    if close:
        headers["Connection"] = "close"
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": before_end is not None})
    if before_end is not None:
        await before_end()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
