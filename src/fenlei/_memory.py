"""What becomes of work that does not fit into the memory: one line that says what to lower."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fenlei.exceptions import SettingError

_SIZES = ("batch_size", "max_length", "length")  # what memory grows with, by the names that settings have for it
_HEAVY = ("full", "gradual", "last")  # strategies that keep moments for weights of the encoder


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was no memory to be had; torch says so in the words of a RuntimeError.

    Examples
    --------
    >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory")), is_out_of_memory(RuntimeError())
    (True, False)
    """
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    told = isinstance(error, RuntimeError) and ("allocate memory" in str(error) or "out of memory" in str(error))
    return told or isinstance(error, MemoryError)


def raise_if_out_of_memory(error: BaseException) -> None:
    """Keep a lack of memory from being taken for a fault of what was read.

    Raises
    ------
    MemoryError
    """
    if is_out_of_memory(error):
        raise MemoryError(str(error)) from error


@contextmanager
def memory_explained(settings: Mapping[str, Any]) -> Iterator[None]:
    """Turn a lack of memory into a line that names those settings which would help; without any it stays what it is.

    Raises
    ------
    SettingError
    """
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        advice = what_to_change(settings)
        if not advice or not is_out_of_memory(error):
            raise
        raise SettingError(f"training does not fit into the memory; {advice}") from error


def what_to_change(settings: Mapping[str, Any]) -> str:
    """Say which of these settings to change for a smaller memory.

    Examples
    --------
    >>> what_to_change({"max_length": None, "encoder": "e5-small", "C": 1.0})
    'lower max_length, or take a smaller encoder'
    """
    sizes = [name for name in _SIZES if name in settings]
    if "batch_size" in sizes and settings.get("accumulate") == 1:
        sizes[0] += " (accumulate=2 makes up for half the size)"
    ways = [f"lower {' or '.join(sizes)}"] if sizes else []
    if settings.get("checkpointing") is False:
        ways.append("set checkpointing=true")
    if settings.get("strategy") in _HEAVY:
        ways.append("take strategy=lora")
    if settings.get("encoder"):
        ways.append("take a smaller encoder")
    return ", or ".join(ways)
