"""The family ``onnx``: saved and loaded, without torch, and not to be trained; the graphs here are made by hand."""

from __future__ import annotations

import copy
import json
import subprocess
import sys

import numpy as np
import pytest

import fenlei
from fenlei._unread import counted
from fenlei.exceptions import MissingExtraError, ModelFolderError, NotFittedError, SettingError
from fenlei.features.inputs import TokenInputs
from fenlei.layers.ngrams import HashedNgrams
from fenlei.models._graph import FILE, Graph
from fenlei.models._readers import TokenReader
from fenlei.models.onnx import OnnxClassifier
from fenlei.preparation import Preparation

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
helper = onnx.helper

TEXTS = ["房间很干净", "服务很好 good", "又脏又差", "", "\ud800没见过", "好" * 3000]


def mean_graph(n_tokens: int, n_classes: int = 2):
    """Logits of a text: the sum of its tokens' rows of a table."""
    table = np.random.default_rng(3).standard_normal((n_tokens, n_classes)).astype(np.float32)
    table[0] = 0
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("ReduceSum", ["rows", "axis"], ["logits"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, ["texts", "tokens"])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["texts", n_classes])],
        [onnx.numpy_helper.from_array(table, "table"), onnx.numpy_helper.from_array(np.array([1]), "axis")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def make(ngrams: HashedNgrams | None = None):
    inputs = TokenInputs(min_count=1).fit(TEXTS)
    model = OnnxClassifier()
    model.classes_, model.multi_label_ = np.array(["bad", "good"]), False
    model.reader_ = TokenReader(Preparation().fit(TEXTS), inputs, 100, ngrams)
    rows = len(inputs.tokens_) if ngrams is None else ngrams.first_bucket + ngrams.buckets
    model.graph_ = Graph(mean_graph(rows).SerializeToString())
    model.source_, model.precision_ = "mlp", "float32"
    return model


def test_scores_are_the_graphs():
    model = make()
    table = onnx.numpy_helper.to_array(onnx.load_model_from_string(model.graph_.data).graph.initializer[0])
    ids = model.inputs_.transform(model.reader_.preparation.transform(TEXTS))[0].cut(100).sequences
    logits = np.array([table[row].sum(0) for row in ids]).astype(float)
    odds = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(model.predict_proba(TEXTS), odds / odds.sum(1, keepdims=True), atol=1e-4)
    model.multi_label_ = True
    np.testing.assert_allclose(model.predict_proba(TEXTS), 1 / (1 + np.exp(-logits)), atol=1e-4)


def test_ngrams_follow_the_tokens():
    n = len(TokenInputs(min_count=1).fit(TEXTS).tokens_)
    model = make(HashedNgrams(n, 50, 3))
    read = model.reader_.read(["很好"]).arrays(np.array([0]))["input_ids"]
    assert read.shape == (1, 6)
    assert (read[0, :2] < n).all() and n <= read[0, 2] < n + 50 and not read[0, 3:].any()
    assert np.isfinite(model.predict_proba(TEXTS)).all()


def test_a_loaded_model_answers_bit_for_bit(tmp_path):
    for model in (make(), make(HashedNgrams(len(make().inputs_.tokens_), 9, 2))):
        loaded = fenlei.load(fenlei.save(model, tmp_path / "model"))
        assert isinstance(loaded, OnnxClassifier)
        assert (loaded.predict_proba(TEXTS) == model.predict_proba(TEXTS)).all()
        assert loaded.to_files() == model.to_files()
        assert (loaded.source_, loaded.precision_, loaded.language_) == ("mlp", "float32", model.language_)
        assert (copy.deepcopy(loaded).predict_proba(TEXTS) == model.predict_proba(TEXTS)).all()


def test_is_not_trained():
    assert not OnnxClassifier.trainable
    with pytest.raises(SettingError, match="made by fenlei export MODEL --format onnx"):
        OnnxClassifier().fit(["好", "差"], ["a", "b"])
    with pytest.raises(NotFittedError):
        OnnxClassifier().predict(["好"])
    with pytest.raises(NotFittedError):
        OnnxClassifier().to_files()


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


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named(package, monkeypatch):
    data = make().graph_.data
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'fenlei\[onnx\]'"):
        Graph(data)


@pytest.mark.parametrize(
    "change",
    [
        {"reader": "other"}, {"reader": "windows"}, {"settings": None}, {"source": ...},
        {"settings": {"max_length": 0}}, {"settings": {"unit": "words"}},
        {"settings": {"ngrams": {"first_bucket": 5, "buckets": 9, "most": 2}}},
        {"settings": {"ngrams": {"first_bucket": 5, "buckets": 9, "most": 99}}},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_settings_are_refused(change):
    model = make()
    files = model.to_files()
    learned = json.loads(files["learned.json"])
    for name, value in change.items():
        if value is ...:
            del learned[name]
        elif isinstance(value, dict):
            learned[name] |= value
        else:
            learned[name] = value
    other = OnnxClassifier()
    other.classes_, other.multi_label_ = model.classes_, False
    with pytest.raises(ModelFolderError):
        other.from_files({**files, "learned.json": json.dumps(learned).encode()})
    assert not hasattr(other, "graph_")


@pytest.mark.parametrize(("rows", "classes"), [(3, 2), (None, 3)])
def test_a_graph_that_does_not_fit_is_refused(rows, classes):
    """A table with too few rows would fail on some text only; other classes would give answers that are wrong."""
    model = make()
    graph = mean_graph(rows or len(model.inputs_.tokens_), classes)
    other = OnnxClassifier()
    other.classes_, other.multi_label_ = model.classes_, False
    with pytest.raises(ModelFolderError, match=FILE):
        other.from_files({**model.to_files(), FILE: graph.SerializeToString()})


def test_what_is_not_read_is_told():
    with counted() as unread:
        make().predict_proba(TEXTS)
    assert str(unread) == "1 of 6 texts are longer than max_length=100: 2,900 tokens at their ends are not read"
