"""How the inner loops are compiled: without the interpreter's lock, and kept on disk for the next start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function on its first call; `options` are numba's.

    The machine code is kept beside the source, or in the user's cache folder (``NUMBA_CACHE_DIR`` names another).
    Where no folder can be written, as in a read-only container, each process compiles anew, which takes some seconds.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:  # no folder for the cache
            return njit(nogil=True, **options)(function)

    return decorate
