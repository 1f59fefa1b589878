"""Compiling where no folder for the machine code can be written."""

from __future__ import annotations

from typing import Any

from fenlei import _jit


def test_without_a_folder_for_the_cache_it_compiles_all_the_same(monkeypatch: Any) -> None:
    asked = []

    def njit(**options: Any) -> Any:
        asked.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(_jit, "njit", njit)
    assert _jit.compiled(fastmath=True)(abs)(-3) == 3
    assert asked == [{"cache": True, "nogil": True, "fastmath": True}, {"nogil": True, "fastmath": True}]
