"""Every test of this folder that takes `make` runs once for each model family, found by itself."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fenlei.base import TextClassifier
from fenlei.families import family_names, find_family

Make = Callable[..., TextClassifier]
_FITTED: dict[tuple[str, str], TextClassifier] = {}

_NETWORK = {
    "dim": 16, "epochs": 30, "batch_size": 5, "learning_rate": 0.02, "dropout": 0.0, "embedding_dropout": 0.0,
    "patience": None, "max_length": 200, "precision": "float32",
}  # fmt: skip
_ENCODER = {
    "epochs": 30, "batch_size": 6, "learning_rate": 0.003, "head_rate": 0.003, "dropout": 0.0, "encoder_dropout": 0.0,
    "patience": None, "precision": "float32", "schedule": "constant",
}  # fmt: skip
_TINY = {
    "charcnn": {
        "filters": 64,
        "hidden": (32,),
        "unit": "token",
        "learning_rate": 0.001,
        "epochs": 200,
        "dim": 64,
        "batch_size": 8,
        "schedule": "constant",
        "max_length": 128,  # what all texts are padded to
    },
    "deepcnn": {"filters": 32, "hidden": 32, "width": 3, "pool": 2, "learning_rate": 0.005, "epochs": 60},
    "dpcnn": {"filters": 16, "blocks": 1},
    "fewshot": {"steps": 20, "C": 10.0},
    "fasttext": {"ngram_dropout": 0.0, "epochs": 60, "buckets": 1000},
    "mlp": {"hidden": (32,), "word_dropout": 0.0},
    "textcnn": {"filters": 16},
    "textrcnn": {"context": 8, "hidden": 32},
    "textrnn": {"hidden": 16},
    "transformer": {"hidden": 16, "layers": 1, "layer_dropout": 0.0},
}


def small(family: str, encoder: Path) -> dict[str, Any]:
    """Settings that let a network learn a dozen texts in a moment; none for families that do so as they are."""
    kind = find_family(family)
    names = kind.parameter_names()
    if "encoder" in names:
        settings = _ENCODER | {"encoder": str(encoder)} | _TINY.get(family, {})
        return {name: value for name, value in settings.items() if name in names}
    return _NETWORK | _TINY.get(family, {}) if kind.trains_in_epochs else {}


def trainable_families() -> list[str]:
    """Names of the families that learn; others are only made from a trained model."""
    return [name for name in family_names() if find_family(name).trainable]


@pytest.fixture(params=trainable_families())
def family(request: Any) -> str:
    """Name of the family."""
    return str(request.param)


@pytest.fixture
def kind(family: str) -> type[TextClassifier]:
    """Class of the family."""
    return find_family(family)


@pytest.fixture
def make(kind: type[TextClassifier], tiny_encoder: Path) -> Make:
    """``make(**settings)`` gives a new classifier of the family, small unless the settings say otherwise."""
    return partial(kind, **small(kind.family, tiny_encoder))


@pytest.fixture(scope="session")
def all_small(tiny_encoder: Path) -> dict[str, dict[str, Any]]:
    """Give what `make` sets by itself, for every family."""
    return {name: small(name, tiny_encoder) for name in trainable_families()}


@pytest.fixture
def quick(kind: type[TextClassifier], make: Make) -> Make:
    """As `make`, of a classifier that goes over the texts only twice: where what it learns does not matter."""
    return partial(make, epochs=2) if "epochs" in kind.parameter_names() else make


@pytest.fixture
def fitted(family: str, make: Make, request: pytest.FixtureRequest) -> Callable[[str], TextClassifier]:
    """``fitted("chinese")`` gives a copy of a model of the family that learned these examples, fitted only once."""

    def copy_of(examples: str) -> TextClassifier:
        if (family, examples) not in _FITTED:
            data = request.getfixturevalue(examples)
            _FITTED[family, examples] = make().fit(data.texts, data.labels)
        return copy.deepcopy(_FITTED[family, examples])

    return copy_of
