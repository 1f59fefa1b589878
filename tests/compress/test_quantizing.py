"""Whole numbers of 8 bits: near the network, a quarter of the size, and each text for itself."""

from __future__ import annotations

import numpy as np
import pytest

import fenlei
from fenlei.compress.methods import compress
from fenlei.compress.onnx_export import export_onnx
from fenlei.compress.quantizing import quantize
from fenlei.exceptions import NotFittedError, SettingError
from fenlei.models.onnx import OnnxClassifier

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

TEXTS = ["房间很干净", "服务很好 good service", "一般般吧，a bit dull", "又脏又差", "", "\ud800", "好 bad " * 100]


def operators(model):
    return [node.op_type for node in onnx.load_model_from_string(model.graph_.data).graph.node]


@pytest.fixture(scope="module")
def both(tiny_encoder):
    """An encoder's graph before and after."""
    from fenlei.models.encoder import EncoderClassifier

    model = EncoderClassifier(
        encoder=str(tiny_encoder), head="mean+rnn", hidden=16, long_text="windows", max_length=16, epochs=4
    ).fit(TEXTS, list("ababbab"))  # fmt: skip
    exported = export_onnx(model)
    return exported, quantize(exported)


def test_an_encoder_keeps_its_answers(both):
    exported, small = both
    assert (exported.precision_, small.precision_, small.source_) == ("float32", "int8", "encoder")
    np.testing.assert_allclose(small.predict_proba(TEXTS), exported.predict_proba(TEXTS), atol=0.05)
    assert operators(small).count("MatMulIntegerToFloat") == 12, "four and two products in each of two layers"


def test_scores_of_a_text_do_not_depend_on_its_neighbours(both):
    together = both[1].predict_proba(TEXTS * 3)
    alone = np.vstack([both[1].predict_proba([text]) for text in TEXTS])
    np.testing.assert_allclose(together[: len(TEXTS)], alone, atol=1e-5)


def test_a_model_of_some_size_has_a_quarter_of_it(network):
    exported = export_onnx(network(dim=6, widths=(1, 2, 4), filters=256))
    small = compress(exported, "int8")
    assert len(small.graph_.data) < 0.5 * len(exported.graph_.data), "with names and factors, of a tiny model"
    np.testing.assert_allclose(small.predict_proba(TEXTS), exported.predict_proba(TEXTS), atol=0.05)


def test_a_network_of_usual_width_keeps_its_answers_at_three_tenths_of_the_size():
    from fenlei.compress.measure import compare
    from fenlei.models.textcnn import TextCnnClassifier

    words = {"好": ["很好", "good", "满意"], "差": ["太差", "bad", "失望"], "中": ["还行", "so-so", "一般"]}
    pairs = [
        (f"{place}{word}", label) for place in ("房间", "早餐", "the room ") for label in words for word in words[label]
    ]
    texts, labels = [text for text, _ in pairs], [label for _, label in pairs]
    model = TextCnnClassifier(
        dim=128, filters=64, epochs=25, batch_size=8, hold_out=0.0, precision="float32"
    ).fit(texts, labels)  # fmt: skip
    exported = export_onnx(model)
    new = [f"{one}，{other}" for one in texts for other in texts]
    assert exported.predict(texts).tolist() == labels
    found = compare(exported, quantize(exported), new)
    assert found.agreement >= 0.98
    assert found.after.bytes <= 0.3 * found.before.bytes


def test_what_a_filter_sees_is_whole_before_it_is_laid_side_by_side(network):
    small = quantize(network(dim=32, widths=(3,), filters=64))
    graph = onnx.load_model_from_string(small.graph_.data).graph
    makers = {name: node for node in graph.node for name in node.output}
    product = next(node for node in graph.node if node.op_type == "MatMulIntegerToFloat")
    joined = makers[product.input[0]]
    assert joined.op_type == "Concat"
    padded = makers[makers[joined.input[0]].input[0]]
    assert (padded.op_type, makers[padded.input[0]].op_type) == ("Pad", "QuantizeLinear")
    assert operators(small).count("QuantizeLinear") == 1
    alone = np.vstack([small.predict_proba([text]) for text in TEXTS])
    np.testing.assert_allclose(small.predict_proba(TEXTS), alone, atol=1e-6)


def test_products_are_exact_to_half_a_step():
    """Against the formula, worked out with numpy."""
    from fenlei.compress.whole_numbers import WholeNumbers

    helper = onnx.helper
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((5, 64)).astype(np.float32), rng.standard_normal((64, 32)).astype(np.float32)
    x[0] = 0
    x[1] *= 1000
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
            [helper.make_tensor_value_info("x", 1, ["n", 64])], [helper.make_tensor_value_info("y", 1, ["n", 32])],
            [onnx.numpy_helper.from_array(w, "w")],
        ), opset_imports=[helper.make_opsetid("", 20)], ir_version=10,
    )  # fmt: skip
    WholeNumbers(model).rewrite()
    import onnxruntime

    found = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    a, b = np.abs(x).max(1, keepdims=True) / 127, np.abs(w).max(0) / 127
    expected = np.rint(x / np.maximum(a, 1e-12)) @ np.rint(w / b) * a * b
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert np.abs(found - x @ w).max() < 0.02 * np.abs(x @ w).max()


def test_it_is_saved_and_loaded(both, tmp_path):
    loaded = fenlei.load(fenlei.save(both[1], tmp_path / "model"))
    assert isinstance(loaded, OnnxClassifier)
    assert loaded.precision_ == "int8"
    assert (loaded.predict_proba(TEXTS) == both[1].predict_proba(TEXTS)).all()


def test_what_cannot_be_made_smaller_is_refused(both):
    with pytest.raises(SettingError, match="is int8 already"):
        quantize(both[1])
    with pytest.raises(SettingError, match="no network"):
        quantize(fenlei.TfidfClassifier().fit(["好", "差"], ["a", "b"]))
    with pytest.raises(NotFittedError):
        quantize(OnnxClassifier())
