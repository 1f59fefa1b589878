"""Percentiles from buckets, close to those of numpy."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenlei.monitor.latency import _range, bucket, percentiles

WANTED = [50, 90, 95, 99]


@given(st.integers(0, 10**10 - 1))
def test_a_bucket_holds_what_is_in_it_and_is_narrow(microseconds):
    start, width = _range(bucket(microseconds))
    assert start <= microseconds < start + width
    assert width <= max(10, microseconds / 10)


def test_buckets_are_numbered_in_order_without_gaps():
    edges = [_range(number) for number in range(bucket(10**10) + 1)]
    assert all(start + width == after for (start, width), (after, _) in pairwise(edges))
    assert bucket(-5) == 0


@pytest.mark.parametrize("median", [0.05, 3.0, 700.0])
def test_percentiles_are_close_to_those_of_numpy(median):
    values = np.random.default_rng(1).lognormal(np.log(median), 0.8, 20_000)
    counts = Counter(bucket(round(1000 * value)) for value in values)
    assert percentiles(counts, WANTED) == pytest.approx(np.percentile(values, WANTED).tolist(), rel=0.03)


def test_without_latencies():
    assert percentiles({}, [50, 99]) == [None, None]
    assert percentiles({0: 1}, [100]) == [0.01]
