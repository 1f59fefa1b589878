"""Read a model folder that is not trusted: plain files only, each once, and only what the manifest names."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from fenlei.exceptions import ModelFolderError
from fenlei.manifest import MANIFEST, MANIFEST_LIMIT, FileFacts, Manifest

TOTAL_LIMIT = 16 << 30
"""Bytes that the files of a model may have together."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")
_SUFFIXES = (".json", ".safetensors", ".onnx", ".html", ".txt")  # what is data and never code
_ENTRIES_LIMIT = 1000
_HEADER_LIMIT = 10_000_000
_READ_ONLY = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe put in the place of a file must not hold us up
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""What file managers leave in any folder they show; neither read nor a reason to refuse."""


def is_allowed(name: str) -> bool:
    """Whether a file of a model may have this name."""
    return _NAME.fullmatch(name) is not None and name.endswith(_SUFFIXES)


def read_manifest(folder: str | os.PathLike[str]) -> Manifest:
    """Read what a model folder says about itself, without its other files.

    Raises
    ------
    ModelFolderError
        When there is no such folder, or its manifest is missing, damaged or of another version.
    """
    path = Path(folder)
    if not _is_folder(path):
        raise ModelFolderError(f"{path}: no such model folder; give the folder that `fenlei train` wrote")
    try:
        return Manifest.from_bytes(_read(path / MANIFEST, None))
    except ModelFolderError as error:
        raise _at(path, error) from error


def read_folder(folder: str | os.PathLike[str]) -> tuple[Manifest, dict[str, bytes]]:
    """Read and check every file.

    Returns
    -------
    manifest : Manifest
    files : dict of str to bytes
        Every file the manifest names: the very bytes whose SHA-256 was found right.

    Raises
    ------
    ModelFolderError
        Names the file and what is wrong with it.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    try:
        _check_names(path, manifest)
        files = {name: _read_checked(path / name, facts) for name, facts in manifest.files.items()}
    except ModelFolderError as error:
        raise _at(path, error) from error
    return manifest, files


def read_one(folder: str | os.PathLike[str], name: str) -> bytes | None:
    """Read and check the manifest and one other file; None where the manifest does not name it.

    Raises
    ------
    ModelFolderError
        Names the file and what is wrong with it.
    """
    path = Path(folder)
    facts = read_manifest(path).files.get(name)
    if facts is None:
        return None
    try:
        if not is_allowed(name) or name == MANIFEST:
            raise ModelFolderError(f"{name!r}: a model has no file of such a name; do not load this folder")
        return _read_checked(path / name, facts)
    except ModelFolderError as error:
        raise _at(path, error) from error


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long a name, a NUL in it
        return False


def _at(path: Path, error: ModelFolderError) -> ModelFolderError:
    return ModelFolderError(f"{path}: {error}")


def _check_names(path: Path, manifest: Manifest) -> None:
    """Check names and sizes before anything is read."""
    for name in manifest.files:
        if not is_allowed(name) or name == MANIFEST:
            raise ModelFolderError(f"{name!r}: a model has no file of such a name; do not load this folder")
    if manifest.size > TOTAL_LIMIT:
        raise ModelFolderError(f"{MANIFEST}: the files are said to have {manifest.size:,} bytes; no model has")
    for number, name in enumerate(_entries(path)):
        if (name != MANIFEST and name not in manifest.files) or number > _ENTRIES_LIMIT:
            raise ModelFolderError(f"{name!r}: is not of the model; move it out of the folder")


def _entries(path: Path) -> list[str]:
    names = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name in LITTER:
                    continue
                names.append(entry.name)
                if len(names) > _ENTRIES_LIMIT:
                    break
    except OSError as error:
        raise ModelFolderError(f"cannot be read: {error.strerror}; check its permissions") from error
    return sorted(names)


def _read_checked(path: Path, facts: FileFacts) -> bytes:
    data = _read(path, facts.size)
    if FileFacts.of(data) != facts:
        raise ModelFolderError(
            f"{path.name}: was changed after it was written; restore the folder from a copy, or train again"
        )
    if path.suffix == ".safetensors":
        _check_header(path.name, data)
    return data


def _read(path: Path, size: int | None) -> bytes:
    """Read a plain file of `size` bytes, or of no more than a manifest may have."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):  # before opening: some devices act on being opened
            raise _odd(path)
        descriptor = os.open(path, _READ_ONLY)
        with os.fdopen(descriptor, "rb") as file:
            opened = os.fstat(descriptor)
            if not stat.S_ISREG(opened.st_mode) or not os.path.samestat(found, opened):
                raise _odd(path)
            _check_size(path.name, opened.st_size, size)
            return file.read(opened.st_size + 1)
    except FileNotFoundError as error:
        raise ModelFolderError(f"{path.name}: is missing; restore the folder from a copy, or train again") from error
    except OSError as error:
        raise ModelFolderError(f"{path.name}: cannot be read: {error.strerror}; check its permissions") from error


def _odd(path: Path) -> ModelFolderError:
    return ModelFolderError(f"{path.name}: is a link, a folder or a device, not a plain file; do not load this folder")


def _check_size(name: str, found: int, wanted: int | None) -> None:
    if wanted is None and found > MANIFEST_LIMIT:
        raise ModelFolderError(f"{name}: has {found:,} bytes, no manifest has over {MANIFEST_LIMIT:,}; do not load it")
    if wanted is not None and found != wanted:
        raise ModelFolderError(
            f"{name}: has {found:,} bytes, not {wanted:,}; restore the folder from a copy, or train again"
        )


def _check_header(name: str, data: bytes) -> None:
    """Check the length that a safetensors file gives for its header, before a parser believes it."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, _HEADER_LIMIT):
        raise ModelFolderError(f"{name}: its header is said to be longer than it can be; do not load this folder")
