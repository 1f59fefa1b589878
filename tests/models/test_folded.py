"""The family ``folded``: saved and loaded, without torch, and not to be trained."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load, save

import fenlei
from fenlei._unread import counted
from fenlei.exceptions import ModelFolderError, NotFittedError, SettingError
from fenlei.features.inputs import TokenInputs
from fenlei.layers.folded import TABLES, FoldedConvolution, Shape
from fenlei.models.folded import FoldedClassifier
from fenlei.preparation import Preparation

TEXTS = ["房间很干净", "服务很好 good", "又脏又差", "", "\ud800没见过", "好" * 3000]


def make(kind: str = "float32", *, pooling: str = "max", k: int = 1, widths: tuple[int, ...] = (1, 3, 3)):
    """A folded model of random tables, which no network was needed for."""
    rng = np.random.default_rng(3)
    model = FoldedClassifier()
    model.classes_, model.multi_label_ = np.array(["bad", "good"]), False
    model.preparation_ = Preparation().fit(TEXTS)
    model.inputs_ = TokenInputs(min_count=1).fit(TEXTS)
    model.max_length_ = 100
    products = [rng.standard_normal((len(model.inputs_.tokens_), w, 140)).astype(np.float32) for w in widths]
    for table in products:
        table[0] = 0
    n = 140 * len(widths)
    bias = rng.standard_normal(n).astype(np.float32)
    model.convolution_ = FoldedConvolution.fold(products, bias, Shape(1, pooling, k, "relu"), kind=kind)
    model.head_weight_ = rng.standard_normal((2, n * k)).astype(np.float32) / n
    model.head_bias_ = np.zeros(2, np.float32)
    return model


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize(("pooling", "k"), [("max", 1), ("average", 1), ("kmax", 2)])
def test_a_loaded_model_answers_bit_for_bit(kind, pooling, k, tmp_path):
    model = make(kind, pooling=pooling, k=k)
    loaded = fenlei.load(fenlei.save(model, tmp_path / "model"))
    assert isinstance(loaded, FoldedClassifier)
    assert (loaded.predict_proba(TEXTS) == model.predict_proba(TEXTS)).all()
    assert loaded.convolution_.kind == kind
    assert loaded.to_files() == model.to_files()


def test_scores_of_a_text_do_not_depend_on_its_neighbours():
    model = make()
    together = model.predict_proba(TEXTS * 400)
    assert (together[: len(TEXTS)] == np.vstack([model.predict_proba([text]) for text in TEXTS])).all()
    np.testing.assert_allclose(together.sum(1), 1)
    assert model.predict([]).tolist() == [] and model.predict_proba([]).shape == (0, 2)


def test_labels_may_be_several():
    model = make()
    model.multi_label_ = True
    scores = model.predict_proba(TEXTS)
    assert ((scores > 0) & (scores < 1)).all()
    assert model.predict(TEXTS) == [
        [c for c, s in zip(("bad", "good"), row, strict=True) if s >= 0.5] for row in scores
    ]


def test_is_not_trained():
    assert not FoldedClassifier.trainable
    with pytest.raises(SettingError, match="made by fenlei compress MODEL --to folded"):
        FoldedClassifier().fit(["好", "差"], ["a", "b"])
    with pytest.raises(NotFittedError):
        FoldedClassifier().predict(["好"])
    with pytest.raises(NotFittedError):
        FoldedClassifier().to_files()


def test_torch_is_never_imported(tmp_path):
    fenlei.save(make(), tmp_path / "model")
    code = (
        "import sys, fenlei; model = fenlei.load(sys.argv[1]); model.predict(['很好'] * 3000);"
        "print(*sorted({'torch', 'transformers', 'sklearn'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    "damage",
    [
        lambda arrays: arrays.pop("bias"),
        lambda arrays: arrays.pop("table.0"),
        lambda arrays: arrays.update({"table.1": arrays["table.1"][:-1]}),
        lambda arrays: arrays.update({"table.0": arrays["table.0"].astype(np.float64)}),
        lambda arrays: arrays.update({"table.0": arrays["table.0"] + np.float32(1)}),
        lambda arrays: arrays.update({"scale": arrays["scale"] * np.float32(np.nan)}),
        lambda arrays: arrays.update({"head.weight": arrays["head.weight"][:1]}),
    ],
)
def test_damaged_tables_are_refused(damage):
    model = make()
    files = model.to_files()
    arrays = load(files["tables.safetensors"])
    damage(arrays)
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    other = FoldedClassifier()
    other.classes_, other.multi_label_ = model.classes_, False
    with pytest.raises(ModelFolderError):
        other.from_files({**files, "tables.safetensors": save(arrays)})


@pytest.mark.parametrize("change", [{"stride": 0}, {"pooling": "min"}, {"k": 2}, {"activation": "gelu"}, {"new": 1}])
def test_damaged_shapes_are_refused(change):
    model = make()
    files = model.to_files()
    learned = json.loads(files["learned.json"])
    learned["shape"].update(change)
    other = FoldedClassifier()
    other.classes_, other.multi_label_ = model.classes_, False
    with pytest.raises(ModelFolderError):
        other.from_files({**files, "learned.json": json.dumps(learned).encode()})


def test_what_is_not_read_is_told():
    with counted() as unread:
        make().predict_proba(TEXTS)
    assert str(unread) == "1 of 6 texts are longer than max_length=100: 2,900 tokens at their ends are not read"
