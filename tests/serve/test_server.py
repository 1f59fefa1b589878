"""Whole processes over real connections: load, signals, hostile bodies."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest

from fenlei.exceptions import SettingError
from fenlei.serve.server import address, listen

TOYS = Path(__file__).with_name("toys.py")


@contextmanager
def toy_server(seconds, deadline):
    """Serve a toy of so many seconds a text; gives its address and process."""
    command = [sys.executable, str(TOYS), str(seconds), str(deadline)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip(), process
        finally:
            if process.poll() is None:
                process.kill()


def memory(process):
    """Resident memory in kilobytes."""
    facts = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    return int(facts["VmRSS"].split()[0])


async def ask(client, text):
    return await client.post("/predict", json={"input": text})


def client_of(base):
    return httpx.AsyncClient(base_url=base, timeout=30, limits=httpx.Limits(max_connections=None))


def test_three_times_capacity_gives_200_or_429_in_time_and_memory_stays(run):
    """The full half minute is in benchmarks/serving.py."""

    async def flood(client, seconds, a_second):
        asked, clock = [], asyncio.get_running_loop().time
        begun = clock()
        for i in range(int(seconds * a_second)):
            asked.append(asyncio.create_task(ask(client, f"text {i}")))
            await asyncio.sleep(max(0, begun + (i + 1) / a_second - clock()))  # behind time, all that is due
        return await asyncio.gather(*asked)

    async def work(base, process):
        async with client_of(base) as client:
            await flood(client, 1, 100)
            before = memory(process)
            answers = await flood(client, 4, 100)
            assert memory(process) < 1.05 * before
            return answers, (await client.get("/metrics")).text

    with toy_server(0.03, 5) as (base, process):
        answers, figures = run(work(base, process))
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {200, 429}
    assert {answer.json()["error"]["code"] for answer in answers if answer.status_code == 429} == {"overloaded"}
    assert codes.count(200) > 60  # of the 130 that the model can score
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 429)
    in_time, all_in_all = (
        float(
            re.search(
                rf'^fenlei_request_seconds_bucket{{le="{re.escape(bound)}",route="/predict"}} (\S+)$', figures, re.M
            )[1]
        )
        for bound in ("5.0", "+Inf")
    )
    assert in_time == all_in_all > 400


def test_sigterm_answers_what_was_accepted_and_refuses_what_comes(toys, run):
    async def work(base, process):
        async with client_of(base) as client:
            accepted = [asyncio.create_task(ask(client, f"text {i}")) for i in range(40)]
            await asyncio.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.15)
            refused = await ask(client, "late")
            ready = await client.get("/ready")
            return await asyncio.gather(*accepted), refused, ready

    with toy_server(0.05, 10) as (base, process):
        start = time.monotonic()
        answers, refused, ready = run(work(base, process))
        assert process.wait(30) == 0
        assert time.monotonic() - start < 30
        assert "Traceback" not in process.stderr.read()
    assert [answer.status_code for answer in answers] == [200] * 40
    for i, answer in enumerate(answers):
        assert answer.json()["score"] == pytest.approx(max(toys.expected(f"text {i}")))
    assert (refused.status_code, refused.json()["error"]["code"], ready.status_code) == (503, "draining", 503)


def test_a_model_that_hangs_does_not_keep_the_process(run):
    async def work(base, process):
        async with client_of(base) as client:
            hanging = asyncio.create_task(ask(client, "hang"))
            await asyncio.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            return await hanging

    with toy_server(0, 0.5) as (base, process):
        assert run(work(base, process)).json()["error"]["code"] == "deadline"
        assert process.wait(6) == 0
        assert process.stderr.read() == ""


def test_a_second_signal_ends_it_at_once(run):
    async def work(base, process):
        async with client_of(base) as client:
            hanging = asyncio.create_task(ask(client, "hang"))
            for _ in range(2):
                await asyncio.sleep(0.2)
                process.send_signal(signal.SIGTERM)
            with pytest.raises(httpx.HTTPError):
                await hanging

    with toy_server(0, 15) as (base, process):
        run(work(base, process))
        assert process.wait(1) == -signal.SIGTERM
        assert process.stderr.read() == ""


def test_hostile_connections(run):
    with toy_server(0, 5) as (base, process):
        host, port = base.removeprefix("http://").split(":")

        def send(head, parts, *, wait=10):
            """Send raw bytes; give the answer's status and JSON."""
            with socket.create_connection((host, int(port)), timeout=wait) as connection:
                connection.sendall(head)
                for part in parts:
                    connection.sendall(part)
                received = b""
                while b"}}" not in received and (data := connection.recv(65536)):
                    received += data
            status, content = int(received.split()[1]), received.partition(b"\r\n\r\n")[2]
            return status, json.loads(content)["error"]["code"] if content.startswith(b"{") else ""

        head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        megabyte = b"100000\r\n" + b"a" * (1 << 20) + b"\r\n"
        before = memory(process)
        chunked = (megabyte for _ in range(100))
        assert send(head + b"transfer-encoding: chunked\r\n\r\n", chunked) == (413, "body_too_large")
        assert memory(process) < before + 60_000
        assert send(head + b"content-length: 100000000\r\n\r\n", [b"a"]) == (413, "body_too_large")
        assert send(head + b"content-length: 500\r\n\r\n", [b'{"input": "a"}']) == (408, "slow_body")
        short = head + b'content-length: 9\r\n\r\n{"input": "a"}'  # what follows is no request
        assert send(short, [])[0] == 400
        assert httpx.get(f"{base}/health").status_code == 200


def test_a_client_that_hangs_up_is_not_computed(run):
    async def work(base):
        async with client_of(base) as client:
            first = asyncio.create_task(ask(client, "first"))
            await asyncio.sleep(0.1)
            with pytest.raises(httpx.ReadTimeout):
                await client.post("/predict", json={"inputs": ["left"] * 10}, timeout=0.2)
            await first
            await ask(client, "stays")
            return (await client.get("/metrics")).text

    with toy_server(0.5, 15) as (base, _):
        figures = run(work(base))
    assert "fenlei_left_requests_total 1.0" in figures
    assert 'fenlei_batch_texts_sum{model="toy"} 2.0' in figures


def test_an_address_in_use(run):
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert address(taken) == f"http://127.0.0.1:{port}"
        with pytest.raises(SettingError, match="is in use"):
            listen("127.0.0.1", port)
    with pytest.raises(SettingError, match="cannot be used"):
        listen("203.0.113.1", 0)
