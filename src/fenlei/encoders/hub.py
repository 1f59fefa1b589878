"""Fetch an encoder from the Hugging Face Hub, a mirror of it, or ModelScope; or say in one line why that cannot be."""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fenlei._optional import require
from fenlei.encoders.caches import cached_modelscope, cached_snapshot, hugging_face_cache, modelscope_caches
from fenlei.encoders.config import FILE
from fenlei.encoders.files import TOKENIZERS, WANTED, is_complete, weight_files, without_weights
from fenlei.encoders.packaged import PACKAGED
from fenlei.exceptions import ModelFolderError, UnavailableError, UnknownNameError

_HUB = "https://huggingface.co"
_MIRROR = "https://hf-mirror.com"
_PATIENCE = 10.0  # seconds for the first answer
_WEIGHTS = ".safetensors"
_LANGUAGES = {"zh": "Chinese", "en": "English"}
_INCOMPLETE = "has no config.json or no tokenizer; choose another checkpoint"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_ON = frozenset({"1", "ON", "YES", "TRUE"})


def from_hub(name: str, message: Callable[[str], None] = lambda text: None) -> Path:
    """Give the folder of an encoder on the Hub; what is in the cache is taken from there without asking.

    Parameters
    ----------
    name : str
        "name" or "owner/name", and after an "@" a branch, tag, commit or "refs/pr/1".

    Raises
    ------
    UnavailableError
        When the Hub cannot be reached, or does not give it.
    UnknownNameError
        When there is nothing of a name that could be a mistyped short one.
    ModelFolderError
        When the repository has no weights in safetensors, or no tokenizer.
    OSError
        When the disk of the cache is full.
    """
    repository, _, revision = name.partition("@")
    if (found := cached_snapshot(repository, revision or None)) is not None:
        return found
    if variable := _offline():
        raise UnavailableError(f"{_not_here(name)}, and {variable} is set; {_instead(name)}")
    hub = require("huggingface_hub", extra="neural")
    endpoint = (os.environ.get("HF_ENDPOINT") or _HUB).rstrip("/")
    try:
        info = hub.HfApi(endpoint=endpoint).model_info(
            repository, revision=revision or None, timeout=_PATIENCE, files_metadata=True
        )
    except Exception as error:  # of the library, and of the HTTP client below it
        raise _refusal(name, endpoint, error, hub.errors) from error
    _check_files(name, info)
    message(f"{name}: is fetched from {endpoint}, {_megabytes(info)}")
    try:
        folder = hub.snapshot_download(
            repository, revision=revision or None, allow_patterns=list(WANTED), endpoint=endpoint
        )
    except Exception as error:  # as above
        _check_room(error, hugging_face_cache(), "HF_HUB_CACHE")
        raise _refusal(name, endpoint, error, hub.errors) from error
    return _checked(name, Path(folder))


def from_modelscope(repository: str, message: Callable[[str], None] = lambda text: None) -> Path:
    """Give the folder of an encoder on ModelScope; what is in the cache is taken from there without asking.

    Raises
    ------
    MissingExtraError
        When the package `modelscope` is not installed.
    UnavailableError
    ModelFolderError
    OSError
        When the disk of the cache is full.
    """
    if (found := cached_modelscope(repository)) is not None:
        return found
    if variable := _offline():
        raise UnavailableError(f"{repository} is not in the cache of ModelScope, and {variable} is set; {_packaged()}")
    modelscope = require("modelscope", extra="modelscope")
    message(f"{repository}: is fetched from ModelScope")
    try:
        folder = modelscope.snapshot_download(repository, allow_patterns=list(WANTED))
    except Exception as error:  # of the library, and of the HTTP client below it
        _check_room(error, modelscope_caches()[0], "MODELSCOPE_CACHE")
        raise UnavailableError(
            f"ModelScope does not give {repository!r}: {_first_line(error)}; {_packaged()}"
        ) from error
    return _checked(repository, Path(folder))


def _offline() -> str | None:
    """Name of the variable that forbids asking a hub, if there is one."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    return next((name for name in names if os.environ.get(name, "").upper() in _ON), None)


def _check_room(error: Exception, cache: Path, variable: str) -> None:
    """Tell a full disk from a hub that does not answer."""
    if (isinstance(error, OSError) and error.errno in _FULL) or os.strerror(errno.ENOSPC) in str(error):
        advice = f"free some, or let {variable} name a folder on another disk"
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}; {advice}", str(cache)) from error


def _refusal(name: str, endpoint: str, error: Exception, errors: Any) -> Exception:
    """Turn an error of huggingface_hub into ours."""
    if isinstance(error, errors.GatedRepoError):
        return UnavailableError(f"{name} asks for its terms to be accepted at {endpoint}; do so, and set HF_TOKEN")
    if isinstance(error, errors.RevisionNotFoundError):
        return UnavailableError(f"{endpoint} has no such version of the encoder: {name}")
    if isinstance(error, errors.RepositoryNotFoundError | errors.HFValidationError):
        if "/" not in name:
            return UnknownNameError("encoder", name, PACKAGED)
        return UnavailableError(
            f"{endpoint} has no encoder {name!r}, or gives it only to those who set HF_TOKEN; {_instead(name)}"
        )
    reason = _first_line(error)
    return UnavailableError(f"{_not_here(name)}, and {endpoint} cannot be reached ({reason}); {_instead(name)}")


def _not_here(name: str) -> str:
    return f"{name} is neither a folder nor in the cache"


def _instead(name: str) -> str:
    """Name the mirror, and the encoders that need no hub."""
    near = difflib.get_close_matches(name, PACKAGED, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return f"{guess}set HF_ENDPOINT to a mirror such as {_MIRROR}, or {_packaged()}"


def _packaged() -> str:
    """Name the encoders that need no hub."""
    known = ", ".join(
        f"{one.name} ({' and '.join(_LANGUAGES[code] for code in one.languages)})" for one in PACKAGED.values()
    )
    return f"take one that needs no hub: {known}"


def _check_files(name: str, info: Any) -> None:
    """Refuse, before anything is fetched, a repository without weights that can be read, or without a tokenizer."""
    names = [file.rfilename for file in info.siblings or ()]
    if not any(one.endswith(_WEIGHTS) and "/" not in one for one in names):
        raise ModelFolderError(
            f"{name}: {without_weights(names)}; a pull request there may have them: {name.partition('@')[0]}@refs/pr/1"
        )
    if FILE not in names or set(TOKENIZERS).isdisjoint(names):
        raise ModelFolderError(f"{name}: {_INCOMPLETE}")


def _megabytes(info: Any) -> str:
    sizes = [file.size or 0 for file in info.siblings or () if file.rfilename.endswith(_WEIGHTS)]
    return f"some {sum(sizes) / 1e6:,.0f} MB"


def _checked(name: str, folder: Path) -> Path:
    if not is_complete(folder):
        weight_files(folder)
        raise ModelFolderError(f"{name}: {_INCOMPLETE}")
    return folder


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
