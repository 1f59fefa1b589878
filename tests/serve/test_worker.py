"""A thread does one call after another, and keeps nothing of those that were given up."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import pytest

from fenlei.serve.worker import Worker


class Large:
    """What a call holds."""


def test_calls_are_done_in_order_and_errors_told(run):
    async def work():
        worker, done = Worker("test"), []
        calls = [worker.run(lambda i=i: done.append(i) or i) for i in range(20)]
        failing = worker.run(lambda: {}["none"])
        assert await asyncio.gather(*calls) == done == list(range(20))
        with pytest.raises(KeyError):
            await failing
        worker.close()

    run(work())


def test_calls_that_were_given_up_are_dropped_while_another_is_at_work(run):
    async def work():
        worker, may_end = Worker("test"), threading.Event()
        at_work = worker.run(lambda: may_end.wait(10))
        held, left = [], []
        for _ in range(50):
            large = Large()
            held.append(weakref.ref(large))
            left.append(worker.run(lambda large=large: large))
        stays = worker.run(lambda: "stays")
        for future in left:
            future.cancel()
        del large, left, future
        await asyncio.sleep(0.05)
        gc.collect()
        assert (worker.waiting, [ref() for ref in held]) == (1, [None] * 50)
        may_end.set()
        assert (await at_work, await stays) == (True, "stays")
        worker.close()

    run(work())


def test_several_threads_work_at_once_and_all_end(run):
    async def work():
        worker, met = Worker("test-several", n_threads=3), threading.Barrier(3, timeout=10)
        assert sorted(await asyncio.gather(*(worker.run(met.wait) for _ in range(3)))) == [0, 1, 2]
        worker.close()

    run(work())
    for thread in threading.enumerate():
        if thread.name == "test-several":
            thread.join(10)
            assert not thread.is_alive()


def test_closing_does_what_waits(run):
    async def work():
        worker, may_end = Worker("test"), threading.Event()
        at_work, waits = worker.run(lambda: may_end.wait(10)), worker.run(lambda: "done")
        worker.close()
        may_end.set()
        assert (await at_work, await waits) == (True, "done")

    run(work())
