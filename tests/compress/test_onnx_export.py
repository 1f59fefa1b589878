"""Exporting: what the contract's small networks leave out, and what cannot be exported."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import warnings

import numpy as np
import pytest

import fenlei
from fenlei.compress.folding import fold
from fenlei.compress.onnx_export import export_onnx
from fenlei.exceptions import MissingExtraError, NotFittedError, SettingError

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

TEXTS = ["房间很干净", "服务很好 good service", "一般般吧，a bit dull", "又脏又差", "", "\ud800", "好 bad " * 200]
HEADS = "cls+last+mean+max+attention+conv+rnn+rcnn"


def close(exported, model):
    found, expected = exported.predict_proba(TEXTS), model.predict_proba(TEXTS)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    assert list(exported.predict(TEXTS)) == list(model.predict(TEXTS))
    alone = np.vstack([exported.predict_proba([text]) for text in TEXTS])
    np.testing.assert_allclose(alone, found, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "settings",
    [
        {"widths": (1, 3), "filters": 4, "stride": 2, "pooling": "kmax", "unit": "both", "segmenter": "char"},
        {"widths": (2, 3), "filters": 4, "pooling": "average", "multi_label": True, "embedding": "multichannel"},
    ],
    ids=["kmax", "average"],
)  # fmt: skip
def test_a_textcnn_of_any_shape(network, settings, tmp_path):
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("1 6\n好 1 2 3 4 5 6\n", encoding="utf-8")
    given = {"vectors": str(vectors)} if settings.get("embedding") == "multichannel" else {}
    model = network(**settings, **given)
    close(export_onnx(model), model)


def test_an_encoder_with_every_head_and_windows(tiny_encoder):
    from fenlei.models.encoder import EncoderClassifier

    model = EncoderClassifier(
        encoder=str(tiny_encoder), head=HEADS, mix=2, filters=4, hidden=4, long_text="windows", max_length=16,
        window_pooling="attention", epochs=1,
    ).fit(TEXTS, list("ababbab"))  # fmt: skip
    exported = export_onnx(model)
    assert exported.graph_.inputs == ("input_ids", "attention_mask", "windows")
    close(exported, model)


def test_a_decoder(tiny_decoder):
    from fenlei.models.encoder import EncoderClassifier

    model = EncoderClassifier(encoder=str(tiny_decoder), head="last", epochs=1).fit(TEXTS, list("ababbab"))
    close(export_onnx(model), model)


@pytest.fixture(scope="module")
def exported_mlp():
    from fenlei.models.mlp import MlpClassifier

    model = MlpClassifier(dim=8, hidden=(8,), epochs=2).fit(TEXTS, list("ababbab"))
    return model, export_onnx(model)


def test_the_file_tells_others_what_it_is(exported_mlp):
    onnxruntime = pytest.importorskip("onnxruntime")
    model, exported = exported_mlp
    session = onnxruntime.InferenceSession(exported.graph_.data)
    assert [(value.name, value.shape) for value in session.get_inputs()] == [("input_ids", ["texts", "tokens"])]
    assert [value.name for value in session.get_outputs()] == ["logits"]
    told = session.get_modelmeta().custom_metadata_map
    assert (told["family"], told["probabilities"]) == ("mlp", "softmax of the logits")
    assert json.loads(told["classes"]) == model.classes_.tolist()
    ids = np.array([[2, 3, 0], [4, 0, 0]])
    assert session.run(["logits"], {"input_ids": ids})[0].shape == (2, 2)


def test_the_file_says_nothing_of_the_machine(exported_mlp):
    data = exported_mlp[1].graph_.data
    assert b"site-packages" not in data
    assert b".py" not in data


def test_the_model_is_left_as_it_was_and_shares_nothing(exported_mlp):
    model, exported = exported_mlp
    assert exported.inputs_ is not model.inputs_
    assert all(weight.requires_grad for weight in model.network_.parameters())
    assert export_onnx(model).to_files() == exported.to_files(), "the same model gives the same bytes"


def test_it_is_saved_and_scores_in_a_process_without_torch(exported_mlp, tmp_path):
    folder = fenlei.save(exported_mlp[1], tmp_path / "model")
    code = (
        "import sys, json, fenlei; found = fenlei.load(sys.argv[1]).predict_proba(json.loads(sys.argv[2]));"
        "assert not {'torch', 'transformers', 'sklearn'} & {*sys.modules}; print(json.dumps(found.tolist()))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder), json.dumps(TEXTS)], capture_output=True, text=True, check=True
    )
    np.testing.assert_allclose(json.loads(run.stdout), exported_mlp[0].predict_proba(TEXTS), atol=1e-5)


def test_nothing_is_said_and_no_setting_stays_changed(exported_mlp, capfd):
    before = logging.getLogger("torch.onnx").level, list(warnings.filters)
    export_onnx(exported_mlp[0])
    assert capfd.readouterr() == ("", "")
    assert (logging.getLogger("torch.onnx").level, list(warnings.filters)) == before


def test_what_has_no_network_is_refused(network, exported_mlp):
    linear = fenlei.TfidfClassifier().fit(["好", "差"], ["a", "b"])
    for model in (linear, fold(network())):
        with pytest.raises(SettingError, match=f"a {model.family} model has no network; it is already served without"):
            export_onnx(model)
    with pytest.raises(SettingError, match="is an ONNX graph already"):
        export_onnx(exported_mlp[1])
    with pytest.raises(NotFittedError):
        export_onnx(fenlei.TfidfClassifier())


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_package_is_named_before_the_work(exported_mlp, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{package}.*pip install 'fenlei\[onnx\]'"):
        export_onnx(exported_mlp[0])


def shifted(monkeypatch, by):
    """Let graphs give other logits than they hold, while the check looks."""
    from fenlei.models import _exported

    class Shifted(_exported.Graph):
        def run(self, arrays):
            return super().run(arrays) + np.array(by, np.float32)

    monkeypatch.setattr(_exported, "Graph", Shifted)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize(("change", "refused"), [(2e-5, True), (4e-6, False)])
def test_a_graph_with_other_probabilities_is_refused(network, monkeypatch, multi_label, change, refused):
    """Where all logits are 0, softmax grows by 2/9 of a logit's growth and sigmoid by a quarter."""
    model = network(multi_label=multi_label)
    model.network_.head.weight.data.zero_()
    model.network_.head.bias.data.zero_()
    shifted(monkeypatch, [change * (4 if multi_label else 9 / 2), 0, 0])
    if not refused:
        assert export_onnx(model).source_ == "textcnn"
        return
    with pytest.raises(SettingError, match="does not give the scores of this network; serve it with torch"):
        export_onnx(model)


def test_other_logits_are_refused_where_probabilities_do_not_show_them(network, monkeypatch):
    model = network()
    model.network_.head.bias.data[:] = torch.tensor([100.0, 0, 0])
    shifted(monkeypatch, [0, 1, 0])
    with pytest.raises(SettingError, match="does not give the scores of this network"):
        export_onnx(model)


def test_a_network_that_torch_cannot_export_is_told_in_one_line(network, monkeypatch):
    model = network()
    monkeypatch.setattr(type(model.network_), "encode", lambda self, x, keys: x.rows[: int(x.lengths.sum())])
    with pytest.raises(SettingError, match=r"^torch cannot export this network: [^\n]*$"):
        export_onnx(model)
