"""Run the application: listen, answer, and end in order when told to."""

from __future__ import annotations

import errno
import os
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from fenlei.exceptions import SettingError
from fenlei.serve.service import Service

_LEAST_DRAIN, _LONGEST_DRAIN = 0.5, 26.0  # seconds; time for others to notice, and for what was accepted
_CUT_OFF = 1  # seconds, after that, for answers that their clients do not read
_KEEP_ALIVE = 60  # seconds
_WAITING_CONNECTIONS = 2048


class DrainingServer(uvicorn.Server):
    """A server that answers what it accepted before it ends; told twice, it ends at once.

    Parameters
    ----------
    config : uvicorn.Config
    service : Service
    tell : callable
        Called when requests are answered.
    """

    def __init__(self, config: uvicorn.Config, service: Service, tell: Callable[[], None]) -> None:
        super().__init__(config)
        self._service, self._tell = service, tell

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self._tell()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; new requests are refused with 503 from now on."""
        if self._service.is_draining:  # whatever is still going on, be it the end of the application
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self._service.drains_since = time.monotonic()

    async def on_tick(self, counter: int) -> bool:
        """Look ten times a second whether all is answered."""
        since = self._service.drains_since
        if since is not None and self._is_drained(time.monotonic() - since):
            self.should_exit = True
        return await super().on_tick(counter)

    def _is_drained(self, seconds: float) -> bool:
        return seconds > _LONGEST_DRAIN or (seconds > _LEAST_DRAIN and not self._service.n_accepted)


def listen(host: str, port: int) -> socket.socket:
    """Open the socket that clients connect to.

    Raises
    ------
    SettingError
        When the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off, which costs 40 ms an answer, only where the socket names its protocol.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two programs have one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_WAITING_CONNECTIONS)
    except OSError as error:
        listening.close()
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror or error}"
        raise SettingError(
            f"the address {host}, port {port} {reason}; choose another with --host and --port"
        ) from error
    return listening


def run_server(app: FastAPI, listening: socket.socket, tell: Callable[[], None]) -> None:
    """Answer until a signal comes; `tell` is called when the first request may come."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_CUT_OFF, lifespan="on", ws="none",
    )  # fmt: skip
    DrainingServer(config, app.state.service, tell).run([listening])


def address(listening: socket.socket) -> str:
    """Write the address as a browser takes it."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
