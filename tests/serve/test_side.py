"""Long work has a few places and a deadline, and ends when nobody waits for it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from fenlei.serve.errors import ServeError
from fenlei.serve.side import SideWorker


def test_few_wait_and_one_that_leaves_makes_room(run):
    async def work():
        side, may_end = SideWorker("test", 10), threading.Event()
        at_work = side.submit([lambda: may_end.wait(10)])
        await asyncio.sleep(0.05)
        waiting = [side.submit([lambda i=i: i]) for i in range(8)]
        with pytest.raises(ServeError) as refused:
            side.submit([lambda: "one too many"])
        assert refused.value.code == "overloaded"
        waiting.pop().cancel()
        await asyncio.sleep(0)
        waiting.append(side.submit([lambda: 7]))
        may_end.set()
        assert await at_work == [True]
        assert await asyncio.gather(*waiting) == [[i] for i in range(8)]
        side.close()

    run(work())


@pytest.mark.parametrize("deadline", [0.05, 10])
def test_what_nobody_waits_for_is_not_gone_on_with(run, deadline):
    async def work():
        side, may_go, done = SideWorker("test", deadline), threading.Event(), []
        calls = [lambda i=i: done.append(i) or may_go.wait(10) for i in range(16)]
        found = side.submit(calls)
        await asyncio.sleep(0.1)
        found.cancel()
        await asyncio.sleep(0)
        may_go.set()
        await side.submit([lambda: None])
        assert done == [0]
        if deadline < 1:
            assert found.exception().code == "deadline"
        side.close()

    run(work())


def test_an_error_ends_the_calls(run):
    async def work():
        side = SideWorker("test", 10)
        with pytest.raises(ZeroDivisionError):
            await side.submit([lambda: 1, lambda: 1 / 0, lambda: 2])
        side.close()

    run(work())
