"""Long work has a few places and a deadline, and ends when nobody waits for it."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest

from fenlei.serve.errors import ServeError
from fenlei.serve.side import SideWorker


def test_few_wait_and_one_that_leaves_makes_room(run):
    async def work():
        side, may_end, shed = SideWorker("test", 10), threading.Event(), []
        ask = functools.partial(side.submit, shed=lambda: shed.append(1))
        at_work = ask([lambda: may_end.wait(10)])
        await asyncio.sleep(0.05)
        waiting = [ask([lambda i=i: i]) for i in range(8)]
        with pytest.raises(ServeError) as refused:
            ask([lambda: "one too many"])
        assert (refused.value.code, shed) == ("overloaded", [1])
        waiting.pop().cancel()
        await asyncio.sleep(0)
        waiting.append(ask([lambda: 7]))
        may_end.set()
        assert await at_work == [True]
        assert await asyncio.gather(*waiting) == [[i] for i in range(8)]
        side.close()

    run(work())


@pytest.mark.parametrize("deadline", [0.05, 10])
def test_what_nobody_waits_for_is_not_gone_on_with(run, deadline):
    async def work():
        side, may_go, done, shed = SideWorker("test", deadline), threading.Event(), [], []
        calls = [lambda i=i: done.append(i) or may_go.wait(10) for i in range(16)]
        found = side.submit(calls, shed=lambda: shed.append(1))
        await asyncio.sleep(0.1)
        found.cancel()
        await asyncio.sleep(0)
        may_go.set()
        await side.submit([lambda: None], shed=shed.clear)
        assert done == [0]
        assert len(shed) == (deadline < 1)
        if deadline < 1:
            assert found.exception().code == "deadline"
        side.close()

    run(work())


def test_the_deadline_counts_from_when_the_request_came(run):
    async def work():
        side, may_end = SideWorker("test", 1000), threading.Event()
        since = asyncio.get_running_loop().time() - 1000
        with pytest.raises(ServeError, match="deadline"):
            await asyncio.wait_for(side.submit([may_end.wait], shed=lambda: None, since=since), 10)
        may_end.set()
        side.close()

    run(work())


def test_several_threads_do_several_things_at_once(run):
    async def work():
        side, all_there = SideWorker("test", 10, n_threads=3), threading.Barrier(3)
        await asyncio.gather(*(side.submit([lambda: all_there.wait(10)], shed=lambda: None) for _ in range(3)))
        side.close()

    run(work())


def test_an_error_ends_the_calls(run):
    async def work():
        side = SideWorker("test", 10)
        with pytest.raises(ZeroDivisionError):
            await side.submit([lambda: 1, lambda: 1 / 0, lambda: 2], shed=lambda: None)
        side.close()

    run(work())
