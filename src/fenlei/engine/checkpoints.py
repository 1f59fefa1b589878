"""Checkpoints that are whole or not there, hold nothing that runs, and are checked before they are trusted.

A checkpoint is a folder ``step-N`` of JSON and safetensors with the hash of each file. It is written beside its place
and renamed, so a kill at any moment leaves the one before. The newest that is sound is the one to go on from.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fenlei._atomic import clean_up, write_folder
from fenlei.exceptions import ModelFolderError

_NAME = re.compile(r"step-(\d{10})")
_HASHES, _STATE = "hashes.json", "state.json"
_KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """A state of a training.

    Attributes
    ----------
    state : dict
        JSON values.
    tensors : dict of str to bytes
        Files in the safetensors format, by name without ending.
    """

    state: dict[str, Any]
    tensors: dict[str, bytes]


def write_checkpoint(folder: Path, step: int, checkpoint: Checkpoint) -> None:
    """Write a checkpoint into `folder` and remove all but the newest two.

    Raises
    ------
    OSError
        When the disk is full, say; the older checkpoints are untouched.
    """
    files = {f"{name}.safetensors": data for name, data in checkpoint.tensors.items()}
    files[_STATE] = json.dumps(checkpoint.state, allow_nan=True).encode()
    files[_HASHES] = json.dumps({name: hashlib.sha256(data).hexdigest() for name, data in files.items()}).encode()
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".step-*"):  # of killed writers
        clean_up(folder / left.name.split(".")[1])
    write_folder(folder / f"step-{step:010d}", files)
    for old in list(_newest_first(folder))[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def read_newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """Read the newest sound checkpoint.

    Returns
    -------
    checkpoint : Checkpoint or None
        None when there is none at all.
    damaged : list of str
        What was wrong with newer ones.

    Raises
    ------
    ModelFolderError
        When there are checkpoints and all are damaged.
    """
    damaged: list[str] = []
    for place in _newest_first(folder):
        try:
            return _read(place), damaged
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            damaged.append(f"{place}: {error}")
    if damaged:
        raise ModelFolderError(f"{folder}: no checkpoint is sound; remove the folder and train anew ({damaged[0]})")
    return None, []


def _newest_first(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return iter(())
    return iter(sorted((place for place in folder.iterdir() if _NAME.fullmatch(place.name)), reverse=True))


def _read(place: Path) -> Checkpoint:
    hashes: Mapping[str, str] = json.loads((place / _HASHES).read_bytes())
    files = {}
    for name, expected in hashes.items():
        if Path(name).name != name:
            raise ValueError(f"{name!r} is no plain file name")
        files[name] = (place / name).read_bytes()
        if hashlib.sha256(files[name]).hexdigest() != expected:
            raise ValueError(f"{name} is not as it was written")
    tensors = {Path(name).stem: data for name, data in files.items() if name.endswith(".safetensors")}
    return Checkpoint(json.loads(files[_STATE]), tensors)


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints, and the folder if nothing else is in it."""
    if not folder.is_dir():
        return
    for place in folder.iterdir():
        if _NAME.fullmatch(place.name) or place.name.startswith(".step-"):
            shutil.rmtree(place, ignore_errors=True)
    with suppress(OSError):  # something else is in it
        folder.rmdir()
