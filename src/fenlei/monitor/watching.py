"""Which predictions in a database are of which model folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from fenlei.exceptions import DataError, UnknownNameError
from fenlei.monitor.reference import TrainingReference, load_reference
from fenlei.monitor.store import ModelCount
from fenlei.persistence import read_digest

_LEAST_DIGITS = 8


class ModelFolder(NamedTuple):
    """What a model folder tells: its path, the SHA-256 of its manifest, what training looked like."""

    path: str
    digest: str
    reference: TrainingReference | None


class Watched(NamedTuple):
    """A model whose predictions are summarised; of one version only, where a folder says which."""

    model: str
    version: str | None
    reference: TrainingReference | None


def read_folder(folder: str) -> ModelFolder:
    """Read what is needed of a model folder, without loading the model.

    Raises
    ------
    ModelFolderError
        When it is none.
    """
    return ModelFolder(folder, read_digest(folder), load_reference(folder))


def watch(
    models: Sequence[ModelCount], folders: Sequence[ModelFolder], *, only: str | None = None
) -> tuple[list[Watched], list[str]]:
    """Find out which predictions each folder's model made, and which have no folder.

    A server writes the beginning of the manifest's SHA-256 as the version. Where no predictions have that, those of
    the folder's name are taken, or, with one folder and one model, these.

    Returns
    -------
    watched : list of Watched
        Models with a folder first.
    warnings : list of str

    Raises
    ------
    DataError, UnknownNameError
        When a folder's model, or the model called `only`, made no predictions.
    """
    chosen = [one for one in models if only is None or one.model == only]
    if only is not None and not chosen:
        raise UnknownNameError("model in the database", only, {one.model for one in models})
    warnings: list[str] = []
    watched = [_of_folder(folder, chosen, warnings, alone=len(folders) == 1) for folder in folders]
    names = dict.fromkeys(one.model for one in chosen)
    told = {one.model for one in watched}
    return watched + [Watched(name, None, None) for name in names if name not in told], warnings


def _of_folder(folder: ModelFolder, models: Sequence[ModelCount], warnings: list[str], *, alone: bool) -> Watched:
    if folder.reference is None:
        warnings.append(f"{folder.path}: does not tell what training looked like; train again to compare with it")
    for one in models:
        if len(one.version) >= _LEAST_DIGITS and folder.digest.startswith(one.version):
            return Watched(one.model, one.version, folder.reference)
    names = list(dict.fromkeys(one.model for one in models))
    own = os.path.basename(os.path.abspath(folder.path))  # noqa: PTH100, PTH119  (a name, whether a link or not)
    name = own if own in names else names[0] if alone and len(names) == 1 else None
    if name is None:
        known = ", ".join(names) or "none"
        raise DataError(
            f"the model in it made no predictions that the database keeps; known: {known}", source=folder.path
        )
    warnings.append(f"{folder.path}: no predictions of this very version; compared with all those of {name!r}")
    return Watched(name, None, folder.reference)
