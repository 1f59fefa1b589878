"""Attention in training on a processor, forward and backward: ours beside torch's fused and plain forms, in bfloat16.

python benchmarks/attention_speed.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from _common import machine, print_table
from fenlei.layers.attention import attend

_TEXTS, _HEADS, _SIZE = 32, 12, 32
_TURNS = 15


def main() -> None:
    print(
        f"{machine()}, torch {torch.__version__}; {_TEXTS} texts, {_HEADS} heads of {_SIZE} values; best of {_TURNS}\n"
    )
    rows = []
    for longest in (24, 64, 128):
        parts = [torch.randn(_TEXTS, _HEADS, longest, _SIZE).bfloat16().requires_grad_() for _ in range(3)]
        fused = _milliseconds(lambda: _torch(SDPBackend.FLASH_ATTENTION, parts), parts)  # noqa: B023  (called at once)
        plain = _milliseconds(lambda: _torch(SDPBackend.MATH, parts), parts)  # noqa: B023
        ours = _milliseconds(lambda: attend(*parts), parts)  # noqa: B023
        rows.append([str(longest), f"{fused:.1f}", f"{plain:.1f}", f"{ours:.1f}"])
    print_table(["tokens", "torch, fused, ms", "torch, plain, ms", "fenlei, ms"], rows)


def _torch(form: SDPBackend, parts: list[Tensor]) -> Tensor:
    with sdpa_kernel(form):
        return scaled_dot_product_attention(*parts)


def _milliseconds(attention: Callable[[], Tensor], parts: list[Tensor]) -> float:
    seconds = []
    for _ in range(_TURNS):
        start = time.perf_counter()
        found = attention()
        torch.autograd.grad(found, parts, torch.ones_like(found))
        seconds.append(time.perf_counter() - start)
    return 1000 * min(seconds)


if __name__ == "__main__":
    main()
