"""Notice that a client has left while its answer is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import Receive

from fenlei.serve.errors import ClientLeft


@asynccontextmanager
async def ending_when_left(receive: Receive, answer: asyncio.Future[Any]) -> AsyncIterator[None]:
    """Let `answer` end with `ClientLeft` when the client leaves within the block; its body must have been read."""

    def end() -> None:
        if not answer.done():
            answer.set_exception(ClientLeft())

    watching = asyncio.create_task(_until_left(receive, end))
    try:
        yield
    finally:
        watching.cancel()


async def _until_left(receive: Receive, then: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    then()
