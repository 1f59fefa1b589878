"""Ten thousand requests leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import sys

TEXTS = b'{"inputs": ["\xe5\xbe\x88\xe5\xa5\xbd", "bad"], "scores": true}'
BODIES = (TEXTS, TEXTS, TEXTS, b'{"inputs": 7}', b'{"input": "a", "model": "none"}')


class Forgetful(list):
    """A list that stays empty: the toy keeps what it scored."""

    def append(self, item):
        pass


async def ask(app, content):
    """Straight into the application: the objects that a client makes are not counted."""
    status = []
    messages = iter([{"type": "http.request", "body": content, "more_body": False}])

    async def receive():
        return next(messages, None) or await asyncio.Event().wait()

    async def send(message):
        status.append(message.get("status"))

    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/predict", "query_string": b"", "headers": headers}
    await app(scope | {"http_version": "1.1", "scheme": "http", "root_path": ""}, receive, send)
    return status[0]


async def ask_often(app, times):
    for _ in range(times):
        assert [await ask(app, content) for content in BODIES] == [200, 200, 200, 422, 404]
    gc.collect()
    return sys.getallocatedblocks()


def test_requests_leave_memory_flat(serving, toys, run):
    model = toys.ToyClassifier()
    model.batches = Forgetful()

    async def work():
        async with serving(model) as one:
            before = await ask_often(one.app, 200)
            return await ask_often(one.app, 2000) - before

    assert run(work()) < 1000  # blocks, of 10,000 requests
