"""What this machine can do at most."""

from __future__ import annotations

import time

import torch


def matrix_rate(kind: torch.dtype) -> float:
    """Operations a second of a large matrix product."""
    a, b = torch.randn(2048, 2048).to(kind), torch.randn(2048, 2048).to(kind)
    seconds = []
    for _ in range(12):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    return 2 * 2048**3 / min(seconds)
