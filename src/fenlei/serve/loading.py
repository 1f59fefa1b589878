"""Load a model folder, and tell which version is in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fenlei.base import TextClassifier
from fenlei.exceptions import ModelFolderError
from fenlei.persistence import load_with_digest, read_digest

if TYPE_CHECKING:
    from fenlei.monitor.reference import TrainingReference

CHECK_TEXT = "这是一句话 a text"
"""What a model must be able to score, to be in service."""
_DIGITS = 16


class Loaded(NamedTuple):
    """A model, its version, and what its training looked like, if that is known."""

    model: TextClassifier
    version: str
    reference: TrainingReference | None = None


Load = Callable[[Path], Loaded]


def read_version(folder: Path) -> str:
    """Give the beginning of the SHA-256 of a folder's manifest, which changes with any file of the model."""
    return read_digest(folder)[:_DIGITS]


def load_version(folder: Path) -> Loaded:
    """Load a model with its version, and see that it scores a text.

    Raises
    ------
    ModelFolderError
        When it cannot be loaded, or gives no probabilities.
    """
    from fenlei.monitor.reference import load_reference

    model, digest = load_with_digest(folder)
    check_scores(model)
    return Loaded(model, digest[:_DIGITS], load_reference(folder))


def check_scores(model: TextClassifier) -> None:
    """Refuse a model that does not give a probability for each of its classes."""
    scores = model.predict_proba([CHECK_TEXT])
    if scores.shape != (1, len(model.classes_)) or not np.isfinite(scores).all():
        raise ModelFolderError("the model does not give probabilities for a plain text; train it again")
