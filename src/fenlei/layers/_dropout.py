"""Compiled loop of a dropout mask that depends on keys, not on the order of the draws."""

from __future__ import annotations

import numpy as np
from numba import uint64

from fenlei._jit import compiled
from fenlei.features._types import F32, U64


@compiled(inline="always")
def mix(h: np.uint64) -> np.uint64:
    """Finaliser of splitmix64 (Steele et al. 2014)."""
    h = (h ^ (h >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> uint64(27))) * uint64(0x94D049BB133111EB)
    return h ^ (h >> uint64(31))


@compiled()
def fill_mask(keys: U64, salt: np.uint64, rate: float, out: F32) -> None:
    """Write 0 with probability `rate`, else ``1 / (1 - rate)``, into `out` of shape (n_keys, size).

    Four draws of 16 bits come from each hash of (key, salt, counter): `rate` counts in steps of 1/65536.
    """
    threshold = uint64(round(rate * 65536))
    kept = np.float32(1 / (1 - rate))
    size = out.shape[1]
    for row in range(len(keys)):
        base = mix(keys[row] * uint64(0x9E3779B97F4A7C15) ^ salt)
        for i in range(0, size, 4):
            bits = mix(base + uint64(i) * uint64(0xD1342543DE82EF95))
            for j in range(i, min(i + 4, size)):
                out[row, j] = kept if (bits & uint64(0xFFFF)) >= threshold else np.float32(0)
                bits >>= uint64(16)
