"""Which of several processes this is, when a launcher such as ``torchrun`` started them."""

from __future__ import annotations

import os


def is_first_process() -> bool:
    """Whether this process is alone or the first, the one that writes and prints."""
    return "LOCAL_RANK" not in os.environ or os.environ.get("RANK", "0") == "0"
