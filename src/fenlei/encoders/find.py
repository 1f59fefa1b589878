"""Find an encoder by name: a packaged one, a folder, or one on a hub."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from fenlei.encoders.config import FILE
from fenlei.encoders.hub import from_hub, from_modelscope
from fenlei.encoders.packaged import PACKAGED
from fenlei.exceptions import ModelFolderError, SettingError, UnknownNameError

MODELSCOPE = "modelscope:"
_WORD = r"[A-Za-z0-9][\w.-]*"
_ON_A_HUB = re.compile(rf"{_WORD}(/{_WORD})?(@[\w./-]+)?")
_ON_MODELSCOPE = re.compile(rf"{_WORD}/{_WORD}")
_PATHS = ("/", "./", "../", "~", ".\\", "..\\")


def find_encoder(name: str, *, message: Callable[[str], None] = lambda text: None) -> Path:
    """Find a pretrained encoder, or fetch it.

    Parameters
    ----------
    name : str
        A short name ("e5-small", "minilm"), which needs no hub; a folder in Hugging Face layout; a name on the Hugging
        Face Hub ("bert-base-chinese", "hfl/chinese-macbert-base", and after an "@" the version); or
        "modelscope:owner/name". A folder that is called like a short name is given as "./NAME".
    message : callable
        Told of what takes long: a download, a conversion.

    Returns
    -------
    Path
        A local folder.

    Raises
    ------
    UnknownNameError
        When nothing goes by this name.
    UnavailableError
        When a hub cannot be reached, or does not give it.
    MissingExtraError
        When a package is missing; names the one to install.
    ModelFolderError
        When the folder is no checkpoint, or its weights are not in safetensors.

    Examples
    --------
    >>> find_encoder("./no-such-folder")
    Traceback (most recent call last):
    fenlei.exceptions.ModelFolderError: ./no-such-folder: no such folder; ...
    """
    if not isinstance(name, str) or not name.strip():
        raise SettingError(f"an encoder is named by a text, such as 'e5-small' or a folder; got {name!r}")
    if name in PACKAGED:
        return PACKAGED[name].folder(message)
    if name.startswith(MODELSCOPE):
        return _from_modelscope(name.removeprefix(MODELSCOPE), message)
    if (folder := _local(name)) is not None:
        return folder
    if not _ON_A_HUB.fullmatch(name):
        raise UnknownNameError("encoder", name, PACKAGED)
    return from_hub(name, message)


def _local(name: str) -> Path | None:
    """Give a folder that is there; None for what may be a name on a hub."""
    folder, kind = _look(name)
    if kind == "folder" and (folder / FILE).is_file():
        return folder
    if kind is None and not name.startswith(_PATHS) and name.partition("@")[0].count("/") < 2:
        return None
    fault = {"folder": f"has no {FILE}", "file": "is a file", None: "no such folder"}[kind]
    raise ModelFolderError(f"{name}: {fault}; give the folder of a checkpoint in Hugging Face layout")


def _look(name: str) -> tuple[Path, str | None]:
    """Tell whether a folder or a file goes by this name."""
    try:
        place = Path(name).expanduser()
        return place, "folder" if place.is_dir() else "file" if place.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long a name, a NUL in it, ~nobody
        return Path(), None


def _from_modelscope(repository: str, message: Callable[[str], None]) -> Path:
    if not _ON_MODELSCOPE.fullmatch(repository):
        raise UnknownNameError("encoder on ModelScope", repository, ["modelscope:OWNER/NAME"])
    return from_modelscope(repository, message)
