"""Save a model as a folder and load it again: JSON and safetensors, never code.

The folder holds ``manifest.json`` (what the model is, and size and SHA-256 of every other file),
``config.json`` (its settings), ``labels.json`` (its classes), the files of its family, and what was said about
it, such as ``report.html``. ``docs/model-folder.md`` describes the layout and what loading refuses.
"""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import fenlei
from fenlei._atomic import clean_up, write_folder
from fenlei._safe_read import LITTER, is_allowed, read_folder, read_manifest, read_one
from fenlei._strict_json import dump, is_forbidden, parse
from fenlei.exceptions import FenleiError, MissingExtraError, ModelFolderError, SettingError
from fenlei.families import family_names, find_family
from fenlei.manifest import MANIFEST, FileFacts, Manifest

if TYPE_CHECKING:
    from fenlei.base import TextClassifier

__all__ = [
    "EXTRA_FILES", "REFERENCE", "check_replaceable", "load", "load_with_digest", "read_digest", "read_extra",
    "read_manifest", "read_parts", "save",
]  # fmt: skip

FilePath = str | os.PathLike[str]
REFERENCE = "reference.json"
"""What training looked like, see `fenlei.monitor.reference`."""
EXTRA_FILES = ("audit.json", "history.json", "metrics.json", REFERENCE, "report.html")
"""Names that `extra` files may have."""

_CONFIG, _LABELS = "config.json", "labels.json"
_MARKS = (MANIFEST, _CONFIG, _LABELS)  # of a model folder, also a damaged one; a manifest.json alone others have too
_LAZY = ("vocabulary.json", "tokenizer.json")  # megabytes, which a family parses when it needs them
_ATTEMPTS = 3  # to load a folder that is replaced while it is read
_PAIRS = "$pairs"  # how a dictionary is written whose keys are not plain texts
_FOREIGN = (FenleiError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


def save(
    model: TextClassifier,
    folder: FilePath,
    *,
    facts: Mapping[str, Any] | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a fitted model into a folder, at once or not at all.

    Parameters
    ----------
    model : TextClassifier
    folder : str or path
        New, empty, or a model folder, which is replaced when the new one is wholly on the disk.
    facts : mapping, optional
        How the model was trained and what was measured: names and JSON values, such as ``seconds``, ``command``
        and ``metrics``.
    extra : mapping of str to bytes, optional
        More files, of the names `EXTRA_FILES`; loading checks them and does not use them.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    NotFittedError
        When the model is not fitted.
    ModelFolderError
        When `folder` holds anything but a model.
    SettingError
        When a setting or a fact is no JSON value, or the name of an extra file is not known.

    Examples
    --------
    >>> import tempfile
    >>> from fenlei import TfidfClassifier
    >>> model = TfidfClassifier().fit(["很好", "好看", "很差", "难看"], ["good", "good", "bad", "bad"])
    >>> folder = save(model, tempfile.mkdtemp(), facts={"rows": 4})
    >>> load(folder).predict(["好"]).tolist(), read_manifest(folder).facts
    (['good'], {'rows': 4})
    """
    files = {**_files_of(model), **_extra_files(extra or {})}
    manifest = Manifest(
        family=model.family,
        fenlei=fenlei.__version__,
        language=str(getattr(model, "language_", "")),
        classes=len(model.classes_),
        multi_label=bool(model.multi_label_),
        facts=dict(facts or {}),
        files={name: FileFacts.of(data) for name, data in sorted(files.items())},
    )
    files[MANIFEST] = manifest.to_bytes()
    target = Path(os.path.realpath(folder))  # the place a link leads to, so that the link stays
    refuse_inside_model(target)  # before a folder is made on the way to it
    target.parent.mkdir(parents=True, exist_ok=True)
    clean_up(target)
    check_replaceable(target)
    write_folder(target, files)
    return Path(folder)


def load(folder: FilePath) -> TextClassifier:
    """Load the model that `save` wrote; nothing in the folder is trusted.

    Raises
    ------
    ModelFolderError
        When the folder is damaged, of another version, or holds what a model does not; names the file.
    MissingExtraError
        When the model needs a package that is not installed.
    """
    manifest, files = read_folder(folder)
    try:
        classes, settings = _parts(manifest, files)
        model = _make(manifest.family, settings)
        model.classes_, model.multi_label_ = classes, manifest.multi_label
        own = {name: data for name, data in files.items() if name not in (_CONFIG, _LABELS, *EXTRA_FILES)}
        for name, data in own.items():
            if name.endswith(".json") and name not in _LAZY:
                parse(data, name, config=True)
        model.from_files(own)
    except MissingExtraError:
        raise
    except _FOREIGN as error:
        raise ModelFolderError(f"{folder}: {_reason(error)}") from error
    return model


def read_digest(folder: FilePath) -> str:
    """Give the SHA-256 of a folder's manifest, which changes with any file of the model.

    Raises
    ------
    ModelFolderError
        When there is no such folder, or its manifest is damaged.
    """
    return hashlib.sha256(read_manifest(folder).to_bytes()).hexdigest()


def load_with_digest(folder: FilePath) -> tuple[TextClassifier, str]:
    """Load a model, and tell which it is, also where the folder is replaced at this moment.

    Raises
    ------
    ModelFolderError
        When it cannot be loaded.
    """
    for _ in range(_ATTEMPTS):
        before = read_digest(folder)
        model = load(folder)
        if read_digest(folder) == before:
            return model, before
    raise ModelFolderError(f"{folder}: is replaced over and over; load it when it is at rest")


def read_parts(folder: FilePath) -> tuple[Manifest, NDArray[Any], dict[str, Any]]:
    """Check a model folder; return its manifest, classes and settings without making the model."""
    manifest, files = read_folder(folder)
    try:
        return manifest, *_parts(manifest, files)
    except ModelFolderError as error:
        raise ModelFolderError(f"{folder}: {error}") from error


def read_extra(folder: FilePath, name: str) -> bytes | None:
    """Read one of the `EXTRA_FILES` of a model folder without its other files; None where the model has it not.

    Raises
    ------
    ModelFolderError
        When there is no model folder, or the file is not as it was written.
    """
    return read_one(folder, name)


def check_replaceable(folder: FilePath) -> None:
    """Check that `save` would write into this folder; worth asking before a long training.

    Raises
    ------
    ModelFolderError
        When it is the current folder, or holds anything but a model: other files stay untouched.
    """
    target = Path(os.path.realpath(folder))
    if target.exists() and not target.is_dir():
        raise ModelFolderError(f"{target}: is not a folder; give a new folder for the model")
    refuse_inside_model(target)
    _check_writable(target)
    if not target.exists():
        return
    if target == Path.cwd():
        raise ModelFolderError(f"{target}: is the folder you are in; give a new folder for the model")
    found = {entry.name for entry in target.iterdir()} - LITTER
    if not found:
        return
    try:
        known = {MANIFEST, *read_manifest(target).files}
    except ModelFolderError as error:
        raise ModelFolderError(
            f"{target}: is neither empty nor a sound model folder; give a new folder for the model"
        ) from error
    if others := sorted(found - known):
        raise ModelFolderError(f"{target}: holds {others[0]!r}, which is not of the model; move it away first")


def refuse_inside_model(path: FilePath) -> None:
    """Refuse to write a file or folder into a model folder, however deep, which would not load any more.

    Raises
    ------
    ModelFolderError
    """
    for around in Path(os.path.realpath(path)).parents:
        if all((around / name).exists() for name in _MARKS):
            raise ModelFolderError(
                f"{path}: lies in the model folder {around.name}, which stays as it is; write elsewhere"
            )


def _check_writable(target: Path) -> None:
    """Find the nearest folder above that exists, and ask whether it takes a new entry."""
    above = next(folder for folder in target.parents if folder.exists())
    if not above.is_dir():
        raise ModelFolderError(f"{target}: {above.name} is not a folder; give another place for the model")
    if not os.access(above, os.W_OK):
        raise ModelFolderError(f"{target}: nothing can be written to {above}; give another place for the model")


def _files_of(model: TextClassifier) -> dict[str, bytes]:
    own = model.to_files()
    files = {**own, _CONFIG: _write_settings(model.get_params()), _LABELS: dump(model.classes_.tolist())}
    for name in own:
        if not is_allowed(name) or name in (MANIFEST, _CONFIG, _LABELS, *EXTRA_FILES):
            raise SettingError(f"the family {model.family!r} must not write a file called {name!r}")
    return files


def _extra_files(extra: Mapping[str, bytes]) -> dict[str, bytes]:
    for name in extra:
        if name not in EXTRA_FILES:
            raise SettingError(f"{name!r} is no extra file of a model; known: {', '.join(EXTRA_FILES)}")
    return {name: bytes(data) for name, data in extra.items()}


def _write_settings(settings: Mapping[str, Any]) -> bytes:
    try:
        data = dump({name: _plain(value) for name, value in settings.items()})
        parse(data, _CONFIG, config=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise SettingError(f"the model has a setting that cannot be saved as JSON: {error}") from error
    return data


def _plain(value: Any) -> Any:
    """Turn a setting into JSON values: tuples into lists, numpy's numbers into Python's, paths into texts."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if all(isinstance(key, str) and not is_forbidden(key) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    return {_PAIRS: [[_plain(key), _plain(item)] for key, item in value.items()]}


def _unplain(value: Any) -> Any:
    if isinstance(value, list):
        return [_unplain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_PAIRS}:
        return {key: _unplain(item) for key, item in value[_PAIRS]}
    return {key: _unplain(item) for key, item in value.items()}


def _parts(manifest: Manifest, files: Mapping[str, bytes]) -> tuple[NDArray[Any], dict[str, Any]]:
    for name in (_CONFIG, _LABELS):
        if name not in files:
            raise ModelFolderError(f"{name}: is missing; restore the folder from a copy, or train again")
    settings = parse(files[_CONFIG], _CONFIG, config=True)
    try:
        settings = _unplain(settings)
    except (TypeError, ValueError) as error:
        raise ModelFolderError(f"{_CONFIG}: a setting is not as it was written: {error}") from error
    if not isinstance(settings, dict):
        raise ModelFolderError(f"{_CONFIG}: holds no settings; train the model again")
    return _classes_from(parse(files[_LABELS], _LABELS), manifest.classes), settings


def _classes_from(labels: Any, count: int) -> NDArray[Any]:
    sound = isinstance(labels, list) and len(labels) == count > 0 and {*map(type, labels)} <= {type(labels[0])}
    if not sound or not isinstance(labels[0], str | int) or sorted(set(labels)) != labels:
        raise ModelFolderError(f"{_LABELS}: holds not {count} sorted labels of one kind; train the model again")
    return np.array(labels)


def _make(family: str, settings: dict[str, Any]) -> TextClassifier:
    if family not in family_names():
        raise ModelFolderError(
            f"{MANIFEST}: the model is of the unknown family {family!r}; "
            f"known: {', '.join(family_names())}; install the package it comes with"
        )
    kind = find_family(family)
    for name in settings:
        if name not in kind.parameter_names():
            raise ModelFolderError(
                f"{_CONFIG}: {name!r} is no setting of {family}; load it with the fenlei that wrote it, or a newer one"
            )
    return kind(**{name: _as_default(kind, name, value) for name, value in settings.items()})


def _as_default(kind: type[TextClassifier], name: str, value: Any) -> Any:
    """Make a list a tuple again where the setting's default is one: JSON knows lists only."""
    default = inspect.signature(kind).parameters[name].default
    return tuple(value) if isinstance(default, tuple) and isinstance(value, list) else value


def _reason(error: Exception) -> str:
    if isinstance(error, FenleiError):
        return str(error)
    return f"its files do not fit together: {type(error).__name__}: {error}; train the model again"
