"""Each client gets its own answer, batch or single; nobody waits in vain."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from fenlei.serve.batching import MicroBatcher
from fenlei.serve.errors import ServeError


class Heard:
    def __init__(self):
        self.sizes, self.n_shed, self.errors = [], 0, []

    def batch(self, n_texts, tokenize, inference):
        self.sizes.append(n_texts)

    def shed(self):
        self.n_shed += 1

    def failed(self, error):
        self.errors.append(error)


def batcher(model, *, most_waiting=1000, deadline=5.0):
    heard = Heard()
    return MicroBatcher(model.predict_proba, most_waiting=most_waiting, deadline=deadline, listener=heard), heard


def test_clients_at_once_get_their_own_answers_in_few_batches(toys, run):
    async def work():
        batches, heard = batcher(toys.ToyClassifier(a_batch=0.01))
        requests = [[f"客户 {i}.{j}" for j in range(i % 5 + 1)] for i in range(200)]
        answers = await asyncio.gather(*map(batches.predict, requests))
        await batches.close()
        for texts, answer in zip(requests, answers, strict=True):
            assert np.allclose(answer.rows, [toys.expected(text) for text in texts], atol=1e-12)
        assert sum(heard.sizes) == sum(map(len, requests))
        assert len(heard.sizes) < 60

    run(work())


def test_an_idle_model_does_not_wait_for_company(toys, run):
    async def work():
        batches, _ = batcher(toys.ToyClassifier())
        answer = await batches.predict(["one"])
        await batches.close()
        assert answer.queued < 0.02

    run(work())


def test_a_large_request_is_split_and_a_small_one_behind_it_is_answered(toys, run):
    async def work():
        model = toys.ToyClassifier(seconds=0.001)
        batches, heard = batcher(model)
        for n in (1, 8, 32):
            await batches.predict(["learn the pace"] * n)
        heard.sizes.clear()
        texts = [f"text {i}" for i in range(300)]
        large, small = await asyncio.gather(batches.predict(texts), batches.predict(["small"]))
        await batches.close()
        assert len(heard.sizes) > 1
        assert np.allclose(large.rows, [toys.expected(text) for text in texts])
        assert np.allclose(small.rows, [toys.expected("small")])

    run(work())


def test_a_full_queue_refuses(toys, run):
    async def work():
        batches, heard = batcher(toys.ToyClassifier(a_batch=0.05), most_waiting=3)
        first = asyncio.create_task(batches.predict(["at work"]))
        await asyncio.sleep(0.01)
        waiting = [asyncio.create_task(batches.predict(["waits"])) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(ServeError) as refused:
            await batches.predict(["one too many"])
        assert (refused.value.status, refused.value.code, heard.n_shed) == (429, "overloaded", 1)
        assert batches.waiting == 3
        await asyncio.gather(first, *waiting)
        await batches.close()

    run(work())


def test_what_cannot_be_answered_in_time_is_refused_at_the_door(toys, run):
    async def work():
        batches, _ = batcher(toys.ToyClassifier(seconds=0.01), deadline=0.5)
        await batches.predict(["pace"] * 4)
        at_work = asyncio.create_task(batches.predict(["at work"]))
        await asyncio.sleep(0)
        with pytest.raises(ServeError) as refused:
            await batches.predict(["far too much"] * 100)
        assert not at_work.done()
        assert refused.value.status == 429
        assert int(refused.value.headers()["Retry-After"]) >= 1
        assert len((await batches.predict(["a few"] * 10)).rows) == 10
        await batches.close()

    run(work())


def test_an_idle_model_gives_up_after_a_batch_what_it_cannot_do_in_time(toys, run):
    async def work():
        model = toys.ToyClassifier(seconds=0.01)
        batches, heard = batcher(model, deadline=1.0)
        await batches.predict(["pace"] * 4)
        with pytest.raises(ServeError) as refused:
            await batches.predict(["far too much"] * 500)
        assert (refused.value.code, heard.n_shed, batches.waiting) == ("overloaded", 1, 0)
        assert int(refused.value.headers()["Retry-After"]) >= 4
        assert len(model.batches) == 2
        await batches.close()

    run(work())


def test_the_pace_is_that_of_those_who_wait(toys, run, monkeypatch):
    """The time until the event loop hears of the scores counts, not that of the model alone."""
    monkeypatch.setattr("fenlei.serve.batching._measured", lambda score, texts: (score(texts), 0.0, 0.0))

    async def work():
        batches, _ = batcher(toys.ToyClassifier(a_batch=0.05))
        await batches.predict(["a"])
        await batches.close()
        assert batches.pace.seconds(1) >= 0.05

    run(work())


def test_one_slow_batch_does_not_shut_the_door_for_ever(toys, run):
    async def work():
        model = toys.ToyClassifier(a_batch=2.0)
        batches, _ = batcher(model, deadline=1.0)
        with pytest.raises(ServeError):
            await batches.predict(["while the machine was busy"] * 16)
        while batches.worked == 0:
            await asyncio.sleep(0.05)
        model.a_batch = 0.0
        assert len((await batches.predict(["text"] * 100)).rows) == 100
        await batches.close()

    run(work())


def test_an_accepted_request_is_told_at_its_deadline(toys, run):
    async def work():
        model = toys.ToyClassifier(a_batch=0.4)
        batches, heard = batcher(model, deadline=0.1)
        start = asyncio.get_running_loop().time()
        with pytest.raises(ServeError) as late:
            await batches.predict(["slow"])  # the pace is not known yet, so it is let in
        assert asyncio.get_running_loop().time() - start < 0.3
        assert (late.value.status, late.value.code, heard.n_shed) == (429, "deadline", 1)
        await batches.close()

    run(work())


def test_a_request_that_is_given_up_is_not_scored(toys, run):
    async def work():
        model = toys.ToyClassifier(a_batch=0.05)
        batches, _ = batcher(model)
        first = asyncio.create_task(batches.predict(["first"]))
        await asyncio.sleep(0.01)
        left = asyncio.create_task(batches.predict(["left"]))
        stays = asyncio.create_task(batches.predict(["stays"]))
        await asyncio.sleep(0.01)
        left.cancel()
        await asyncio.gather(first, stays)
        await batches.close()
        assert model.batches == [["first"], ["stays"]]
        assert batches.waiting == 0

    run(work())


def test_only_the_request_that_breaks_the_model_fails(toys, run):
    async def work():
        model = toys.ToyClassifier(a_batch=0.02)
        batches, heard = batcher(model)
        texts = ["a", "boom", "b", "c"]
        first = asyncio.create_task(batches.predict(["first"]))
        await asyncio.sleep(0.005)
        answers = await asyncio.gather(*(batches.predict([text]) for text in texts), return_exceptions=True)
        await first
        await batches.close()
        assert [type(answer).__name__ for answer in answers] == ["Scored", "ServeError", "Scored", "Scored"]
        assert (answers[1].status, answers[1].code) == (500, "model_error")
        assert "secret" not in answers[1].message
        assert len(heard.errors) == 1

    run(work())


@pytest.mark.parametrize("error", [StopIteration(), KeyError("x"), MemoryError()])
def test_whatever_a_model_raises_ends_the_request(run, error):
    def score(texts):
        raise error

    async def work():
        batches = MicroBatcher(score, most_waiting=10, deadline=5, listener=Heard())
        with pytest.raises(ServeError):
            await batches.predict(["a"])
        await batches.close()

    run(work())


def test_too_few_rows_are_an_error_of_the_model(run):
    async def work():
        batches = MicroBatcher(lambda texts: np.zeros((1, 2)), most_waiting=10, deadline=5, listener=Heard())
        with pytest.raises(ServeError) as failed:
            await batches.predict(["a", "b"])
        assert failed.value.status == 500
        await batches.close()

    run(work())


def test_closing_answers_what_waits(toys, run):
    async def work():
        batches, _ = batcher(toys.ToyClassifier(a_batch=0.02))
        waiting = [asyncio.create_task(batches.predict([f"text {i}"])) for i in range(5)]
        await asyncio.sleep(0)
        await batches.close()
        assert all(task.done() for task in waiting)

    run(work())


def test_closing_leaves_a_model_behind_that_hangs(toys, run):
    async def work():
        clock = asyncio.get_running_loop().time
        batches, _ = batcher(toys.ToyClassifier(), deadline=0.3)
        start = clock()
        waiting = [asyncio.create_task(batches.predict([text])) for text in ("hang", "behind")]
        await asyncio.sleep(0)
        await batches.close()
        assert 0.3 < clock() - start < 3
        late = await asyncio.gather(*waiting, return_exceptions=True)
        assert [error.code for error in late] == ["deadline"] * 2
        assert batches.waiting == 0

    run(work())
