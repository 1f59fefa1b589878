"""The pace is a line through the batches."""

from __future__ import annotations

import numpy as np
import pytest

from fenlei.serve.pace import Pace


def test_nothing_known_expects_nothing():
    assert Pace().seconds(100) == 0
    assert Pace().largest(0.1) == 1


def test_agrees_with_a_weighted_fit_of_numpy():
    rng = np.random.default_rng(5)
    sizes, pace = rng.integers(1, 200, 60), Pace()
    seconds = 0.02 + 0.003 * sizes + rng.normal(0, 0.001, 60)
    for size, second in zip(sizes, seconds, strict=True):
        pace.add(int(size), float(second))
    each, start = np.polyfit(sizes, seconds, 1, w=np.sqrt(0.95 ** np.arange(60)[::-1]))
    assert pace.seconds(50) == pytest.approx(start + 50 * each)
    assert pace.seconds(100, largest=50) == pytest.approx(2 * start + 100 * each)
    assert pace.largest(0.1) == int((0.1 - start) / each)


def test_batches_all_alike_give_a_rate():
    pace = Pace()
    for second in (0.10, 0.11, 0.09):
        pace.add(20, second)
    assert pace.seconds(40) == pytest.approx(0.2, rel=0.05)


def test_a_falling_line_is_not_believed():
    pace = Pace()
    pace.add(1, 1.0)  # the first call compiles
    pace.add(10, 0.1)
    assert pace.seconds(10) > 0
    assert pace.seconds(20) == pytest.approx(2 * pace.seconds(10))


def test_follows_a_machine_that_becomes_slower():
    pace = Pace()
    for second in (0.001, 0.010):
        for _ in range(60):
            for size in (1, 10, 50):
                pace.add(size, second * size)
    assert pace.seconds(10) == pytest.approx(0.1, rel=0.05)
