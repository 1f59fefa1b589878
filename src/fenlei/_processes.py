"""Which of several processes this is, when a launcher such as ``torchrun`` started them."""

from __future__ import annotations

import os

from fenlei.exceptions import SettingError


def is_first_process() -> bool:
    """Whether this process is alone or the first, the one that writes and prints."""
    return "LOCAL_RANK" not in os.environ or os.environ.get("RANK", "0") == "0"


def refuse_several_processes(work: str) -> None:
    """Refuse work that is not for sharing.

    Raises
    ------
    SettingError
        When a launcher started several processes.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise SettingError(f"{work} runs in one process, on all cores or one GPU; start it without torchrun")
