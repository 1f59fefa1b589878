"""The one message for a package that an extra brings."""

from __future__ import annotations

import importlib
from types import ModuleType

from fenlei.exceptions import MissingExtraError


def require(module: str, *, extra: str) -> ModuleType:
    """Import `module`, or say which extra brings it.

    Raises
    ------
    MissingExtraError
        With the exact ``pip install`` line.

    Examples
    --------
    >>> require("json", extra="demo").dumps([1])
    '[1]'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0]
        raise MissingExtraError(
            f"this needs the package {package!r}, which is not installed; run: pip install 'fenlei[{extra}]'"
        ) from error
