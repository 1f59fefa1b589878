"""``fenlei compress`` as a user types it."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

import fenlei
import fenlei.compress.methods
from fenlei.cli.main import main
from fenlei.persistence import read_manifest

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a small textcnn."""
    from fenlei.models.textcnn import TextCnnClassifier

    texts = [f"{word}第{i}次" for i in range(15) for word in ("很好看", "很难看")]
    model = TextCnnClassifier(epochs=8, dim=8, filters=8, precision="float32").fit(texts, ["好", "差"] * 15)
    return fenlei.save(model, tmp_path_factory.mktemp("models") / "cnn", facts={"rows": 30})


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [("很好看啊", "好"), ("真难看", "差"), ("好看", "好"), ("难看", "差")]
    lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
    (tmp_path / "test.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return "test.jsonl"


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return end.value.code or 0, said.out, said.err


def test_a_folded_model_and_its_figures(capsys, trained, data):
    code, out, err = run(capsys, "compress", trained, "--to", "folded", "--data", data, "--out", "small", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["n_texts"], found["agreement"], found["loss"]) == (4, 1.0, 0.0)
    assert found["largest_difference"] < 1e-5
    assert (found["before"]["family"], found["after"]["family"]) == ("textcnn", "folded")
    texts = ["好看", "没见过", ""]
    np.testing.assert_allclose(
        fenlei.load("small").predict_proba(texts), fenlei.load(trained).predict_proba(texts), atol=1e-5
    )


def test_the_manifest_tells_where_it_comes_from(capsys, trained, data):
    run(capsys, "compress", trained, "--to", "folded", "--table", "int8", "--out", "small")
    facts = read_manifest("small").facts["compressed"]
    assert (facts["to"], facts["table"], facts["from"], facts["source_facts"]) == (
        "folded",
        "int8",
        "textcnn",
        {"rows": 30},
    )
    assert facts["digest"] == hashlib.sha256((trained / "manifest.json").read_bytes()).hexdigest()
    assert 0 < facts["largest_difference"] < 0.1


def test_the_table(capsys, trained, data):
    code, out, _ = run(capsys, "compress", trained, "--to", "folded", "--out", "small")
    assert code == 0
    for word in ("before: textcnn", "after: folded", "drawn from the vocabulary", "texts a second", "Model: small"):
        assert word in out


def test_too_large_a_loss_writes_nothing(capsys, trained, data, tmp_path, monkeypatch):
    class Contrary:
        def __init__(self, model):
            self.model, self.family = model, "contrary"

        def __getattr__(self, name):
            return getattr(self.model, name)

        def predict_proba(self, texts):
            return self.model.predict_proba(texts)[:, ::-1]

    monkeypatch.setitem(fenlei.compress.methods.METHODS, "folded", Contrary)
    code, out, err = run(capsys, "compress", trained, "--to", "folded", "--data", data, "--out", "small")
    assert (code, out) == (2, "")
    assert "accuracy fell by 100.00 points, of which --max-loss allows 1; nothing was written" in err
    assert not (tmp_path / "small").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--to", "fold"], "unknown compression 'fold'; did you mean 'folded'?"),
        (["--to", "folded", "--table", "int4"], "got 'int4'"),
        (["--to", "folded", "--max-loss", "2"], "--max-loss needs --data"),
        (["--to", "folded", "--data", "absent.jsonl"], "absent.jsonl"),
        (["--to", "folded", "--data", "plain.txt"], "needs labels"),
    ],
)
def test_mistakes(capsys, trained, data, tmp_path, more, message):
    (tmp_path / "plain.txt").write_text("很好\n", encoding="utf-8")
    code, out, err = run(capsys, "compress", trained, *more, "--out", "small")
    assert (code, out) == (2, "")
    assert message in err
    assert not (tmp_path / "small").exists()


def test_the_model_itself_is_not_replaced(capsys, trained, data):
    code, _, err = run(capsys, "compress", trained, "--to", "folded", "--out", trained)
    assert code == 2
    assert "is the model that is compressed" in err
    assert fenlei.load(trained).family == "textcnn"


def test_other_families_are_refused(capsys, data):
    fenlei.save(fenlei.TfidfClassifier().fit(["好", "差"], ["a", "b"]), "linear")
    code, _, err = run(capsys, "compress", "linear", "--to", "folded", "--out", "small")
    assert code == 2
    assert "only a textcnn folds into tables, and this is a tfidf" in err
