"""``fenlei export`` as a user types it."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fenlei
from fenlei.cli.main import main
from fenlei.persistence import read_manifest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

TEXTS = [f"{word}第{i}次" for i in range(5) for word in ("很好看", "很难看")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a small network."""
    from fenlei.models.mlp import MlpClassifier

    model = MlpClassifier(epochs=3, dim=8, hidden=(8,)).fit(TEXTS, ["好", "差"] * 5)
    return fenlei.save(model, tmp_path_factory.mktemp("models") / "mlp", facts={"rows": 10})


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return end.value.code or 0, said.out, said.err


def test_the_exported_folder_is_a_model_for_all_commands(capsys, trained, tmp_path):
    out = tmp_path / "exported"
    code, said, err = run(capsys, "export", trained, "--format", "onnx", "--out", out, "--json")
    assert (code, err) == (0, "")
    found = json.loads(said)
    assert (found["model"], found["family"], found["inputs"]) == (str(out), "mlp", ["input_ids"])
    assert found["bytes"] == (out / "model.onnx").stat().st_size
    np.testing.assert_allclose(
        fenlei.load(out).predict_proba(TEXTS), fenlei.load(trained).predict_proba(TEXTS), atol=1e-5
    )
    assert read_manifest(out).facts["exported"] == {"format": "onnx", "from": "mlp", "source_facts": {"rows": 10}}
    code, said, _ = run(capsys, "predict", out, "-t", "很好看", "--json")
    assert (code, json.loads(said)[0]["label"]) == (0, fenlei.load(trained).predict(["很好看"])[0])
    assert run(capsys, "info", out)[0] == 0


def test_people_see_a_line_and_the_folder(capsys, trained, tmp_path):
    out = tmp_path / "exported"
    code, said, _ = run(capsys, "export", trained, "--format", "onnx", "--out", out)
    assert code == 0
    assert said.splitlines() == ["mlp, 0.0 MB: input_ids -> logits", f"Model: {out}"]


def test_mistakes_are_one_line_and_nothing_is_written(capsys, trained, tmp_path):
    linear = fenlei.save(fenlei.TfidfClassifier().fit(["好", "差"], ["a", "b"]), tmp_path / "linear")
    (tmp_path / "file").write_text("")
    out = tmp_path / "out"
    for arguments, reason in [
        ((linear, "--format", "onnx", "--out", out), "a tfidf model has no network; it is already served"),
        ((trained, "--format", "onnx", "--out", trained), "is the model that is exported"),
        ((trained, "--format", "onnx", "--out", tmp_path / "file"), "is not a folder"),
        ((trained, "--format", "onnx", "--out", tmp_path / "file" / "out"), "is not a folder"),
        ((trained, "--format", "tflite", "--out", out), "'tflite' is not 'onnx'"),
        ((tmp_path / "nowhere", "--format", "onnx", "--out", out), "no such model folder"),
    ]:
        code, _, err = run(capsys, "export", *arguments)
        assert code == 2
        assert reason in err
    assert not out.exists()
