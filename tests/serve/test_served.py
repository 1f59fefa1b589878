"""A model that fails is not ready, within five seconds; one that works again is."""

from __future__ import annotations

import asyncio

import pytest

from fenlei.serve import served


async def until(condition, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


def test_an_error_is_told_and_readiness_follows_the_model(serving, toys, run, caplog):
    model = toys.ToyClassifier()

    async def work():
        async with serving(model) as one:

            async def is_ready():
                return (await one.get("/ready")).status_code == 200

            async def is_not_ready():
                return not await is_ready()

            assert await is_ready()
            model.broken = True
            answer = await one.post("/predict", {"input": "机密 text"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (500, "model_error")
            assert "secret" not in answer.text
            await until(is_not_ready)
            refused = await one.post("/predict", {"input": "a"})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert (await one.get("/health")).status_code == 200
            assert (await one.get("/v2/health/ready")).status_code == 503
            assert (await one.get("/v1/models")).json()["models"][0]["ready"] is False
            model.broken = False
            await until(is_ready)
            assert (await one.post("/predict", {"input": "a"})).status_code == 200

    run(work())
    assert "secret" not in caplog.text and "机密" not in caplog.text


def test_a_text_that_breaks_the_model_does_not_break_the_service(serving, toys, run):
    async def work():
        async with serving(toys.ToyClassifier(a_batch=0.01)) as one:
            bodies = [{"input": "boom" if i == 3 else f"text {i}"} for i in range(8)]
            answers = await asyncio.gather(*(one.post("/predict", body) for body in bodies))
            assert [answer.status_code for answer in answers] == [200] * 3 + [500] + [200] * 4
            await asyncio.sleep(0.1)
            assert (await one.get("/ready")).status_code == 200

    run(work())


def test_a_model_that_hangs_is_not_ready(serving, toys, run, monkeypatch):
    monkeypatch.setattr("fenlei.serve.served._CHECK_WITHIN", 0.2)
    model = toys.ToyClassifier()

    async def work():
        async with serving(model, limits={"deadline": 0.3}) as one:

            async def is_not_ready():
                return (await one.get("/ready")).status_code == 503

            model.a_batch = 2.0
            answer = await one.post("/predict", {"input": "a"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (429, "deadline")
            await until(is_not_ready, 2)
            model.a_batch = 0.0

    run(work())


def test_an_error_at_the_very_end_does_not_keep_the_service(serving, toys, run):
    async def work():
        async with serving(toys.ToyClassifier()) as one:
            await asyncio.sleep(0)
            one.service.registry.get(None).failed(ValueError())

    run(asyncio.wait_for(work(), 10))


def test_readiness_tells_within_five_seconds():
    assert 2 * served._CHECK_EVERY + served._CHECK_WITHIN < 5


def test_a_client_that_left_is_not_computed(serving, toys, run):
    """Through the application itself: its `receive` says that the connection ended."""
    model = toys.ToyClassifier(a_batch=0.05)

    async def leave(app, text):
        messages = asyncio.Queue()
        messages.put_nowait({"type": "http.request", "body": b'{"input": "%s"}' % text, "more_body": False})
        sent = []
        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/predict", "query_string": b"", "headers": headers}
        scope |= {"http_version": "1.1", "scheme": "http", "raw_path": b"/predict", "root_path": "", "app": app}

        async def send(message):
            sent.append(message)

        task = asyncio.create_task(app(scope, messages.get, send))
        await asyncio.sleep(0.02)
        messages.put_nowait({"type": "http.disconnect"})
        await task

    async def work():
        async with serving(model) as one:
            model.batches.clear()
            first = asyncio.create_task(one.post("/predict", {"input": "first"}))
            await asyncio.sleep(0.02)
            await leave(one.app, b"left")
            stays = await one.post("/predict", {"input": "stays"})
            assert (await first).status_code == stays.status_code == 200
            assert ["left"] not in model.batches
            metrics = (await one.get("/metrics")).text
            assert "fenlei_left_requests_total 1.0" in metrics
            assert 'fenlei_requests_total{method="POST",route="/predict",status="499"} 1.0' in metrics

    run(work())


def test_a_model_that_scores_nothing_does_not_start(serving, toys, run):
    model = toys.ToyClassifier()
    model.broken = True

    async def work():
        with pytest.raises(ValueError, match="secret"):
            async with serving(model):
                pass

    run(work())
