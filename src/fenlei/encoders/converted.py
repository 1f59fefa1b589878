"""The folder that a packaged encoder is converted into, once: in the user's cache, checked whenever it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from fenlei._atomic import clean_up, write_folder
from fenlei._cache import VARIABLE, cache_folder
from fenlei._strict_json import dump
from fenlei.encoders.config import read_settings
from fenlei.encoders.e5 import RULE, SHA256, converted
from fenlei.exceptions import ModelFolderError, UnavailableError
from fenlei.manifest import FileFacts

RECORD = "made.json"
"""What a folder was made from and by, and size and SHA-256 of each of its files."""


def converted_folder(
    name: str, source: Path, requirement: str, message: Callable[[str], None] = lambda text: None
) -> Path:
    """Convert the file of a package, whatever of an earlier conversion there is.

    Raises
    ------
    ModelFolderError
        When the file is not, to the byte, the one that the conversion was written for.
    UnavailableError
        When the cache cannot be written to.
    """
    try:
        data = source.read_bytes()
    except OSError as error:
        raise ModelFolderError(f"{source}: cannot be read: {error.strerror}; check its permissions") from error
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ModelFolderError(
            f"{source}: is damaged or of another version; run: pip install --force-reinstall '{requirement}'"
        )
    target = _place(name)
    message(f"{name}: is converted once, into {target}")
    files = converted(np.frombuffer(data, np.uint8))
    record = _made_by() | {"files": {file: asdict(FileFacts.of(content)) for file, content in files.items()}}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        clean_up(target)
        write_folder(target, files | {RECORD: dump(record, indent=2)})
    except OSError as error:
        raise UnavailableError(
            f"{target}: cannot be written: {error.strerror or error}; set {VARIABLE} to a folder that can"
        ) from error
    return target


def sound_folder(name: str) -> Path | None:
    """Give the converted folder, when it is there and every byte of it is as it was written."""
    target = _place(name)
    try:
        record = read_settings(target / RECORD)
        return target if record is not None and _is_sound(target, record) else None
    except (ModelFolderError, OSError):
        return None


def _place(name: str) -> Path:
    return cache_folder() / "encoders" / name


def _made_by() -> dict[str, Any]:
    return {"rule": RULE, "source": SHA256}


def _is_sound(target: Path, record: dict[str, Any]) -> bool:
    files = record.pop("files", None)
    if record != _made_by() or not isinstance(files, dict) or not files:
        return False
    return {entry.name for entry in target.iterdir()} == {RECORD, *files} and all(
        asdict(_facts(target / file)) == facts for file, facts in files.items()
    )


def _facts(path: Path) -> FileFacts:
    with path.open("rb") as file:
        return FileFacts(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
