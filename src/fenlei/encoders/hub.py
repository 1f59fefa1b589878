"""Fetch an encoder from the Hugging Face Hub, a mirror of it, or ModelScope; or say in one line why that cannot be."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fenlei._optional import require
from fenlei.encoders.caches import cached_modelscope, cached_snapshot
from fenlei.encoders.files import WANTED, is_complete, weight_files, without_weights
from fenlei.encoders.packaged import PACKAGED
from fenlei.exceptions import ModelFolderError, UnavailableError, UnknownNameError

_HUB = "https://huggingface.co"
_MIRROR = "https://hf-mirror.com"
_PATIENCE = 10.0  # seconds for the first answer
_WEIGHTS = ".safetensors"
_LANGUAGES = {"zh": "Chinese", "en": "English"}
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
        When the repository has no weights in safetensors.
    """
    repository, _, revision = name.partition("@")
    if (found := cached_snapshot(repository, revision or None)) is not None:
        return found
    if _is_offline():
        raise UnavailableError(
            f"{name} is neither a folder nor in the cache, and HF_HUB_OFFLINE is set; {_instead(name)}"
        )
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
    """
    if (found := cached_modelscope(repository)) is not None:
        return found
    modelscope = require("modelscope", extra="modelscope")
    message(f"{repository}: is fetched from ModelScope")
    try:
        folder = modelscope.snapshot_download(repository, allow_patterns=list(WANTED))
    except Exception as error:  # of the library, and of the HTTP client below it
        raise UnavailableError(
            f"ModelScope does not give {repository!r}: {_first_line(error)}; {_instead(repository)}"
        ) from error
    return _checked(repository, Path(folder))


def _is_offline() -> bool:
    return any(os.environ.get(name, "").upper() in _ON for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


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
    """Name the encoders that need no hub, and the mirror."""
    near = difflib.get_close_matches(name, PACKAGED, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    known = ", ".join(
        f"{one.name} ({' and '.join(_LANGUAGES[code] for code in one.languages)})" for one in PACKAGED.values()
    )
    return f"{guess}set HF_ENDPOINT to a mirror such as {_MIRROR}, or take one that needs no hub: {known}"


def _check_files(name: str, info: Any) -> None:
    """Refuse, before anything is fetched, a repository without weights that can be read."""
    names = [file.rfilename for file in info.siblings or ()]
    if not any(one.endswith(_WEIGHTS) and "/" not in one for one in names):
        raise ModelFolderError(
            f"{name}: {without_weights(names)}; a pull request there may have them: {name.partition('@')[0]}@refs/pr/1"
        )


def _megabytes(info: Any) -> str:
    sizes = [file.size or 0 for file in info.siblings or () if file.rfilename.endswith(_WEIGHTS)]
    return f"some {sum(sizes) / 1e6:,.0f} MB"


def _checked(name: str, folder: Path) -> Path:
    if not is_complete(folder):
        weight_files(folder)
        raise ModelFolderError(f"{name}: has no config.json or no tokenizer; choose another checkpoint")
    return folder


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
