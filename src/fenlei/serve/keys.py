"""API keys: who shows none of them gets in nowhere but where there is nothing to protect."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from fenlei.serve.errors import ServeError
from fenlei.serve.sending import send_error

_OPEN = {"/", "/health", "/ready", "/docs", "/openapi.json", "/v2/health/live", "/v2/health/ready"}
_OPEN_BELOW = "/page/"  # the page itself; what it shows it has to ask for


class ApiKeys:
    """Refuse requests without a key; ``Authorization: Bearer KEY`` and ``X-API-Key: KEY`` show one.

    Parameters
    ----------
    app : ASGI application
    keys : sequence of str
    """

    def __init__(self, app: ASGIApp, keys: Sequence[str]) -> None:
        self._app = app
        self._digests = [_digest(key.encode()) for key in keys]  # of equal length, so that comparing tells nothing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "http" or not self._digests or _is_open(scope["path"]) or self._is_known(scope):
            await self._app(scope, receive, send)
        else:
            error = ServeError(401, "no_key", "show an API key: Authorization: Bearer KEY, or X-API-Key: KEY")
            await send_error(scope, send, error, close=True)

    def _is_known(self, scope: Scope) -> bool:
        digests = [_digest(key) for key in _shown(scope)]
        return any([hmac.compare_digest(shown, known) for shown in digests for known in self._digests])  # noqa: C419


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_BELOW)


def _shown(scope: Scope) -> list[bytes]:
    found = []
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            found.append(value.strip())
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            found.append(value[7:].strip())
    return found[:2]


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
