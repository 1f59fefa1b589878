"""Many clients in one process: each sends a request, waits for its answer, and sends the next."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

Idle = list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]


@dataclass
class Load:
    """What the clients saw."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)  # of answers of 200
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Successful answers a second."""
        return self.statuses[200] / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the answers of 200 came."""
        return float(1000 * np.quantile(self.latencies, share))


async def flood(port: int, texts: Sequence[str], n_clients: int, seconds: float) -> Load:
    """Let so many clients ask for so long."""
    load, requests = Load(), _requests(texts)
    start = time.perf_counter()
    await asyncio.gather(*(_client(port, requests, load, start + seconds) for _ in range(n_clients)))
    load.seconds = time.perf_counter() - start
    return load


async def flood_open(port: int, texts: Sequence[str], a_second: float, seconds: float) -> Load:
    """Send so many requests a second, whether or not the ones before are answered."""
    load, requests = Load(), _requests(texts)
    start, waiting, idle = time.perf_counter(), set(), []
    for i in range(int(a_second * seconds)):
        await asyncio.sleep(max(0.0, start + i / a_second - time.perf_counter()))
        task = asyncio.create_task(_ask(port, next(requests), load, idle))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)
    load.seconds = time.perf_counter() - start
    _close(idle)
    return load


def _requests(texts: Sequence[str]) -> Iterator[bytes]:
    head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
    bodies = [json.dumps({"input": text}) for text in texts]
    return itertools.cycle([f"{head}{len(body)}\r\n\r\n{body}".encode() for body in bodies])


async def _client(port: int, requests: Iterator[bytes], load: Load, end: float) -> None:
    idle: Idle = []
    while time.perf_counter() < end:
        await _ask(port, next(requests), load, idle)
    _close(idle)


async def _ask(port: int, request: bytes, load: Load, idle: Idle) -> None:
    """Ask over an idle connection, or a new one; it is kept unless the server closes it."""
    start = time.perf_counter()
    reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    status = int(head[9:12])
    load.statuses[status] += 1
    if status == 200:
        load.latencies.append(time.perf_counter() - start)
    if b"connection: close" in head:
        writer.close()
    else:
        idle.append((reader, writer))


def _close(idle: Idle) -> None:
    for _, writer in idle:
        writer.close()


async def most_a_second(seconds: float = 1.0, n_clients: int = 64) -> float:
    """Count requests to a server that does nothing: what is measured must be far below."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(int(head.partition(b"Content-Length: ")[2]))
            writer.write(answer)

    async with await asyncio.start_server(_until_closed(reply), "127.0.0.1", 0) as server:
        return (await flood(server.sockets[0].getsockname()[1], ["a"], n_clients, seconds)).rate


def _until_closed(reply):  # noqa: ANN001, ANN202
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reply(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    return handle
