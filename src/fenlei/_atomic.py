"""Write files and folders so that a crash at any moment leaves the old or the new one whole.

A file is written beside its place under a temporary name, synced to the disk and renamed over it. A folder
cannot be renamed over a full one, so it takes three steps: rename the old one aside (``.NAME.x.old``), rename
the new one (``.NAME.x.new``) in, remove the old one. Killed between the first two, the old folder is whole
under its other name, and the next write puts it back first. A writer holds a lock on its temporary folder; one that
nobody holds was left by a killed writer, and the next write to the same place removes it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows has no such locks: leftovers then stay until they are removed by hand
    fcntl = None  # type: ignore[assignment]

_HAS_LOCKS = fcntl is not None
_NEW, _OLD = "new", "old"
_UNFINISHED = re.compile(rf"\..+\.[0-9a-f]{{8}}\.({_NEW}|{_OLD})", re.DOTALL)


def is_unfinished(name: str) -> bool:
    """Whether a file or folder of this name is what `atomic_file` or `write_folder` has in hand, or left when killed.

    Examples
    --------
    >>> is_unfinished(".plan.json.0a1b2c3d.new"), is_unfinished("plan.json")
    (True, False)
    """
    return _UNFINISHED.fullmatch(name) is not None


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; it takes its place when the block ends without an error.

    A symbolic link stays one: the file that it leads to is written.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException:  # Ctrl-C too
        temporary.unlink(missing_ok=True)
        raise


def write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder with `files` in the place of `target`, whatever is there."""
    new = _temporary(target, _NEW)
    new.mkdir()
    try:
        with _lock(new, wait=True):
            for name, data in files.items():
                _write_file(new / name, data)
            sync_folder(new)
            with _lock(target.parent, wait=True):
                _swap(target, new)
    except BaseException:  # Ctrl-C too
        shutil.rmtree(new, ignore_errors=True)
        raise


def clean_up(target: Path) -> None:
    """Put back or remove what killed writers of `target` left beside it."""
    name = re.compile(re.escape(f".{target.name}.") + rf"[0-9a-f]{{8}}\.({_NEW}|{_OLD})")
    with _lock(target.parent, wait=True):
        for left in sorted(target.parent.iterdir()):
            found = name.fullmatch(left.name)
            if found is None or left.is_symlink() or not left.is_dir():
                continue
            if found[1] == _OLD and not target.exists():
                left.rename(target)
            else:
                _remove_unheld(left)


def _swap(target: Path, new: Path) -> None:
    aside = _temporary(target, _OLD)
    try:
        if target.exists():
            target.rename(aside)
        new.rename(target)
    except BaseException:
        if aside.exists() and not target.exists():
            aside.rename(target)
        raise
    sync_folder(target.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _temporary(target: Path, kind: str) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.{kind}")


def _write_file(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """See to it that renames in a folder outlast a loss of power."""
    with suppress(OSError):  # Windows opens no folders, and some network disks sync none
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_unheld(left: Path) -> None:
    with _lock(left, wait=False) as ours:
        if ours:
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _lock(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Hold a folder against other writers and tell whether we do; the system lets go when we are killed."""
    if not _HAS_LOCKS:
        yield False
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield _try_lock(descriptor, wait=wait)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # held by another, or a disk without locks
        return False
    return True
