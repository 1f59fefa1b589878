"""The first thing a request meets: refused here, it costs a fraction of an answer, so that no flood drowns all.

A model's queue refuses what the model cannot do in time. But reading a request and writing its answer take time as
well, with a fast model most of it; so no more requests are let in than HTTP alone can answer within the deadline.
"""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from fenlei.serve.errors import ServeError, crowded, draining
from fenlei.serve.sending import send_error
from fenlei.serve.service import Service

ALWAYS_OPEN = frozenset({"/health", "/ready", "/metrics", "/v2/health/live", "/v2/health/ready"})
_REQUESTS_A_SECOND = 200  # that HTTP alone can do on a slow machine
_LEAST = 16


class Door:
    """Refuses requests when the service is crowded or about to end.

    Parameters
    ----------
    service : Service
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._most = max(_LEAST, int(_REQUESTS_A_SECOND * service.settings.limits.deadline))

    def refusal(self, scope: Scope) -> ServeError | None:
        """Give the error of a refusal, None when the request may pass."""
        service = self._service
        if service.n_accepted < self._most and not service.is_draining:
            return None
        if scope["type"] != "http" or scope["path"] in ALWAYS_OPEN:
            return None
        error = draining() if service.is_draining else crowded()
        service.metrics.refused.labels(error.code).inc()
        return error


class GuardedApp(FastAPI):
    """An application behind a `Door`, which is ``state.door``."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it before anything of it is read."""
        refusal = self.state.door.refusal(scope)
        if refusal is None:
            await super().__call__(scope, receive, send)
        else:
            await send_error(scope, send, refusal, close=refusal.status == 503)
