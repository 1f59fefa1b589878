"""Bodies are counted as they come."""

from __future__ import annotations

import asyncio

import pytest

JSON = {"content-type": "application/json"}


def post(serving, toys, content, headers=None, **limits):
    async def work():
        async with serving(toys.ToyClassifier(), limits=limits) as one:
            answer = await one.client.post("/predict", content=content, headers=JSON | (headers or {}))
            assert (await one.get("/health")).status_code == 200
            return answer.status_code, answer.json()["error"]["code"]

    return work()


@pytest.mark.parametrize("length", ["5", "0", "x", "-1", "9" * 40])
def test_the_length_that_is_told_is_not_believed(serving, toys, run, length):
    body = b'{"input": "' + b"a" * 2000 + b'"}'
    found = run(post(serving, toys, body, {"content-length": length}, body=1000))
    assert found == (413, "body_too_large")


def test_a_body_in_parts_is_counted(serving, toys, run):
    async def parts():
        for _ in range(1000):
            yield b"a" * 1000

    assert run(post(serving, toys, parts(), body=10_000)) == (413, "body_too_large")


def test_a_body_without_end_is_read_no_further_than_a_while(serving, toys, run):
    sent = 0

    async def parts():
        nonlocal sent
        while True:
            sent += 1
            yield b"a" * 1000
            await asyncio.sleep(0)

    assert run(post(serving, toys, parts(), body=10_000)) == (413, "body_too_large")
    assert sent < 300


def test_a_body_that_comes_too_slowly(serving, toys, run):
    async def parts():
        while True:
            yield b"a"
            await asyncio.sleep(0.05)

    assert run(post(serving, toys, parts(), body_seconds=0.2)) == (408, "slow_body")


def test_a_request_that_no_queue_takes(serving, toys, run):
    body = b'{"input": "' + b"a" * 5000 + b'"}'
    assert run(post(serving, toys, body, queue=3)) == (413, "too_much_text")
