"""Fetch a table from the Hugging Face Hub or a mirror of it, or say within seconds that it cannot be reached.

The ``datasets`` library retries for half a minute before it gives up, so the address is tried first, once.
Both it and ``huggingface_hub`` read ``HF_ENDPOINT`` when they are imported; a mirror therefore has to be
named before that.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fenlei._optional import require
from fenlei.exceptions import SettingError, UnavailableError

MIRROR_VARIABLE = "FENLEI_HUB_MIRROR"
_HUB = "https://huggingface.co"
_PATIENCE = 5.0  # seconds for the first answer


def download(repository: str, config: str | None, split: str, revision: str | None, mirror: str | None) -> Any:
    """Return the split as a ``datasets.Dataset``; scripts of the repository are never run.

    Raises
    ------
    MissingExtraError
    SettingError
        The mirror is no web address, or is named too late.
    UnavailableError
        No answer, or an answer that is no such table.
    """
    endpoint = _endpoint(mirror)
    with _environment("HF_ENDPOINT", endpoint):
        datasets = require("datasets", extra="hub")
    _check_imported(endpoint)
    if not _offline():
        _probe(endpoint, repository)
    try:
        return datasets.load_dataset(repository, config, split=split, revision=revision)
    except Exception as error:  # of the library, of the HTTP client below it, of pyarrow
        raise UnavailableError(f"{repository} could not be loaded from {endpoint}: {_first_line(error)}") from error


def is_cached(repository: str) -> bool:
    """Whether the cache of the ``datasets`` library has a copy of the repository."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    cache = Path(os.environ.get("HF_DATASETS_CACHE") or home / "datasets")
    return any(_letters(entry.name) == _letters(repository) for entry in cache.glob("*___*"))


def _letters(name: str) -> str:
    """Drop what the library changes in a name: ``owner/NewsText`` is cached as ``owner___news_text``."""
    return name.replace("/", "").replace("_", "").lower()


def _endpoint(mirror: str | None) -> str:
    chosen = mirror or os.environ.get(MIRROR_VARIABLE) or os.environ.get("HF_ENDPOINT") or _HUB
    parts = urllib.parse.urlsplit(chosen)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise SettingError(f"a mirror is a web address such as https://hf-mirror.com, not {chosen!r}")
    return chosen.rstrip("/")


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _check_imported(endpoint: str) -> None:
    constants = sys.modules.get("huggingface_hub.constants")
    used = str(getattr(constants, "ENDPOINT", endpoint)).rstrip("/")
    if used != endpoint:
        raise SettingError(
            f"huggingface_hub is already imported and uses {used}; set HF_ENDPOINT={endpoint} before Python starts"
        )


def _offline() -> bool:
    """Whether the user said to use only what is in the cache, in the words of the Hub's libraries."""
    wanted = (os.environ.get(name, "") for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"))
    return any(value.upper() in {"1", "ON", "YES", "TRUE"} for value in wanted)


def _probe(endpoint: str, repository: str) -> None:
    address = f"{endpoint}/api/datasets/{repository}"
    request = urllib.request.Request(address, headers={"User-Agent": "fenlei"})  # noqa: S310  (checked in _endpoint)
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        raise UnavailableError(f"{endpoint} answers {error.code} for the data set {repository}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise UnavailableError(
            f"{endpoint} cannot be reached ({reason}); name a mirror "
            f"({MIRROR_VARIABLE}=https://hf-mirror.com), use a copy downloaded before (HF_HUB_OFFLINE=1), "
            "or take an embedded set: name:reviews-zh, name:bbc-news"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
