"""The queue gives every text once, in order, in batches no larger than wished."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from fenlei.serve.waiting import Job, JobQueue, size_of

LENGTHS = st.lists(st.lists(st.sampled_from([0, 1, 512, 513, 2000]), min_size=1, max_size=6), max_size=6)


def jobs_of(lengths, loop):
    return [Job([f"{i}" * n for n in row], 0.0, loop.create_future()) for i, row in enumerate(lengths)]


@given(LENGTHS, st.integers(1, 10))
def test_every_text_once_and_in_order(lengths, largest):
    loop = asyncio.new_event_loop()
    queue, jobs = JobQueue(), jobs_of(lengths, loop)
    for job in jobs:
        queue.put(job)
    assert queue.size == sum(size_of(text) for job in jobs for text in job.texts)
    taken = []
    while batch := queue.take(largest, 1.0):
        assert sum(part.size for part in batch) <= max(largest, batch[0].job.sizes[batch[0].begin])
        taken += [text for part in batch for text in part.texts]
    assert taken == [text for job in jobs for text in job.texts]
    assert queue.size == 0
    assert all(job.queued == 1.0 for job in jobs)
    loop.close()


@given(LENGTHS, st.integers(1, 10), st.integers(0, 5))
def test_a_discarded_request_is_gone(lengths, largest, which):
    loop = asyncio.new_event_loop()
    queue, jobs = JobQueue(), jobs_of(lengths, loop)
    for job in jobs:
        queue.put(job)
    begun = queue.take(largest, 0.0)
    for gone in jobs[which : which + 1]:
        queue.discard(gone)
        queue.discard(gone)
        assert queue.size == sum(job.waiting for job in jobs)
        while batch := queue.take(largest, 0.0):
            begun += batch
            assert all(part.job is not gone for part in batch)
    loop.close()
