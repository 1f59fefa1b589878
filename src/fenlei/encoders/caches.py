"""The caches of the Hugging Face Hub and of ModelScope, read without their packages."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from fenlei.encoders.files import is_complete

_MAIN = "main"
_COMMIT = re.compile(r"[0-9a-f]{40}")


def hugging_face_cache() -> Path:
    """Folder that huggingface_hub keeps its downloads in."""
    if chosen := os.environ.get("HF_HUB_CACHE"):
        return Path(chosen).expanduser()
    home = os.environ.get("HF_HOME")
    return (Path(home).expanduser() if home else _user_cache() / "huggingface") / "hub"


def modelscope_caches() -> list[Path]:
    """Folders that ModelScope keeps models in; newer versions have one of their own for models."""
    chosen = os.environ.get("MODELSCOPE_CACHE")
    base = Path(chosen).expanduser() if chosen else _user_cache() / "modelscope" / "hub"
    return [base / "models", base / "hub" / "models", base]


def cached_snapshot(repository: str, revision: str | None = None) -> Path | None:
    """Find a complete encoder in the cache of the Hugging Face Hub.

    Parameters
    ----------
    repository : str
        Such as "bert-base-chinese" or "hfl/chinese-macbert-base".
    revision : str, optional
        Branch, tag, commit or "refs/pr/1"; the main branch by default, as it was when it was fetched last.
    """
    folder = hugging_face_cache() / f"models--{repository.replace('/', '--')}"
    commit = revision or _MAIN
    if not _COMMIT.fullmatch(commit):
        try:
            commit = (folder / "refs" / commit).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
    found = folder / "snapshots" / commit
    return found if _COMMIT.fullmatch(commit) and is_complete(found) else None


def cached_modelscope(repository: str) -> Path | None:
    """Find a complete encoder in the cache of ModelScope, which writes a dot in a name as three underscores."""
    owner, _, name = repository.partition("/")
    places = (cache / owner / form for cache in modelscope_caches() for form in (name, name.replace(".", "___")))
    return next((place for place in places if is_complete(place)), None)


def snapshots() -> Iterator[tuple[str, Path]]:
    """All complete encoders in the cache of the Hugging Face Hub, with their names."""
    for folder in sorted(hugging_face_cache().glob("models--*")):
        name = folder.name.removeprefix("models--").replace("--", "/", 1)
        found = cached_snapshot(name)
        if found is not None:
            yield name, found


def modelscope_snapshots() -> Iterator[tuple[str, Path]]:
    """All complete encoders in the cache of ModelScope, with their names."""
    seen = set()
    for cache in modelscope_caches():
        for place in sorted(cache.glob("*/*")):
            name = f"{place.parent.name}/{place.name.replace('___', '.')}"
            if name not in seen and not place.parent.is_symlink() and is_complete(place):
                seen.add(name)
                yield name, place


def _user_cache() -> Path:
    chosen = os.environ.get("XDG_CACHE_HOME")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache"
