"""Where fenlei keeps what it made once and can make again."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "FENLEI_CACHE"


def cache_folder() -> Path:
    """Give the folder that ``FENLEI_CACHE`` names, else ``fenlei`` in the user's cache; it need not exist yet.

    Examples
    --------
    >>> cache_folder().is_absolute()
    True
    """
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen).expanduser().absolute()
    user = os.environ.get("XDG_CACHE_HOME")
    home = Path(user) if user and Path(user).is_absolute() else Path.home() / ".cache"
    return home / "fenlei"
