"""``fenlei compress`` as a user types it."""

from __future__ import annotations

import hashlib
import json
import re

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


def test_an_int8_model_and_its_figures(capsys, trained, data):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    code, out, err = run(capsys, "compress", trained, "--to", "int8", "--data", data, "--out", "small")
    assert code == 0, err
    for line in ("4 texts", "before: textcnn", "after: onnx", "100.00 %", "size on disk", "one text", "texts a second",
                 "same answer", "accuracy lost", "0.00 points", "Model: small"):  # fmt: skip
        assert line in out
    assert fenlei.load("small").precision_ == "int8"
    code, out, _ = run(capsys, "predict", "small", "-t", "很好看", "-t", "很难看", "--json")
    expected = fenlei.load(trained).predict(["很好看", "很难看"]).tolist()
    assert (code, [found["label"] for found in json.loads(out)]) == (0, expected)


def test_the_manifest_tells_where_it_comes_from(capsys, trained, data):
    run(capsys, "compress", trained, "--to", "folded", "--set", "table=int8", "--out", "small")
    facts = read_manifest("small").facts["compressed"]
    assert (facts["to"], facts["options"]["table"], facts["from"], facts["source_facts"]) == (
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


class Contrary:
    """Gives each of two classes the score of the other."""

    def __init__(self, model):
        self.model, self.family = model, "contrary"

    def __getattr__(self, name):
        return getattr(self.model, name)

    def predict_proba(self, texts):
        return self.model.predict_proba(texts)[:, ::-1]


def made_contrary(model, *, texts=()):
    return Contrary(model)


def test_too_large_a_loss_writes_nothing(capsys, trained, data, tmp_path, monkeypatch):
    monkeypatch.setitem(fenlei.compress.methods.METHODS, "folded", Contrary)
    code, out, err = run(capsys, "compress", trained, "--to", "folded", "--data", data, "--out", "small")
    assert (code, out) == (2, "")
    assert "accuracy fell by 100.00 points, of which --max-loss allows 1; nothing was written" in err
    assert not (tmp_path / "small").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--to", "fold"], "unknown compression 'fold'; did you mean 'folded'?"),
        (["--to", "folded", "--set", "table=int4"], "got 'int4'"),
        (["--to", "folded", "--data", "absent.jsonl"], "absent.jsonl"),
        (["--to", "folded", "--data", "plain.txt"], "needs labels"),
        (["--to", "folded", "--set", "tabel=int8"], "unknown option of folded 'tabel'; did you mean 'table'?"),
        (["--to", "folded", "--train", "test.jsonl"], "made without learning from texts; leave out --train"),
        (["--to", "folded", "--max-loss", "2"], "--max-loss needs --data FILE"),
        (["--to", "pruned"], "a pruned model needs texts to learn from"),
        (["--to", "pruned", "--data", "test.jsonl", "--set", "kep=0.5"], "did you mean 'keep'?"),
        (["--to", "distilled", "--data", "test.jsonl", "--set", "filter=8"], "did you mean 'filters'?"),
        (["--to", "trimmed", "--texts", "absent.txt"], "absent.txt"),
    ],
)
def test_mistakes(capsys, trained, data, tmp_path, more, message):
    (tmp_path / "plain.txt").write_text("很好\n难看\n好看\n", encoding="utf-8")
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


@pytest.fixture
def more(data, tmp_path):
    """A larger labelled file, and one without labels."""
    rows = [(f"{word}第{i}天", label) for i in range(30) for word, label in (("很好看", "好"), ("很难看", "差"))]
    lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
    (tmp_path / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "plain.txt").write_text("真好看\n不难看\n好看好看\n很好看啊\n", encoding="utf-8")


class TestWithoutLabels:
    """An answer that stays cannot have become wrong, so no more accuracy is lost than there are other answers."""

    def test_too_many_other_answers_write_nothing(self, capsys, trained, more, tmp_path, monkeypatch):
        monkeypatch.setitem(fenlei.compress.methods.METHODS, "pruned", made_contrary)
        code, out, err = run(capsys, "compress", trained, "--to", "pruned", "--texts", "plain.txt", "--out", "small")
        assert (code, out) == (2, "")
        assert "100.00 % of the answers are others, and without labels --max-loss allows 1; nothing was written" in err
        assert not (tmp_path / "small").exists()

    def test_more_can_be_allowed(self, capsys, trained, more):
        options = ("--texts", "plain.txt", "--set", "keep=0.01", "--set", "epochs=0", "--max-loss", "100")
        code, out, err = run(capsys, "compress", trained, "--to", "pruned", *options, "--out", "small", "--json")
        assert code == 0, err
        found = json.loads(out)
        assert (found["loss"], found["most_lost"]) == (None, 100 * (1 - found["agreement"]))
        assert fenlei.load("small").filters == [1, 1, 1, 1]

    def test_the_table_tells_the_bound(self, capsys, trained, more):
        options = ("--texts", "plain.txt", "--max-loss", "100", "--out", "small")
        code, out, err = run(capsys, "compress", trained, "--to", "trimmed", *options)
        assert code == 0, err
        assert re.search(r"accuracy lost +at most \d+\.\d\d points", out)

    def test_texts_of_the_vocabulary_bound_nothing(self, capsys, trained, data, monkeypatch):
        monkeypatch.setitem(fenlei.compress.methods.METHODS, "folded", lambda model: contrary)
        contrary = fenlei.load(trained)
        contrary.classes_ = contrary.classes_[::-1].copy()
        code, out, err = run(capsys, "compress", trained, "--to", "folded", "--out", "small")
        assert code == 0, err
        assert re.search(r"accuracy lost +unknown", out)


TINY = ("--set", "dim=8", "--set", "filters=8", "--set", "epochs=8", "--set", "batch_size=8")


def test_a_distilled_model_learns_from_all_but_what_it_is_measured_on(capsys, trained, more):
    code, out, err = run(
        capsys, "compress", trained, "--to", "distilled", "--train", "train.jsonl", "--texts", "plain.txt",
        "--data", "test.jsonl", "--set", "student=textcnn", "--set", "clean.urls=remove", *TINY, "--max-loss", "60",
        "--out", "small", "--json",
    )  # fmt: skip
    assert code == 0, err
    found = json.loads(out)
    assert (found["n_texts"], found["data"], found["after"]["family"]) == (4, "test.jsonl", "textcnn")
    assert found["notes"] == ["1 texts are not learned from, as they are measured on"]
    assert "fenlei: 1 texts are not learned from" in err
    facts = read_manifest("small").facts["compressed"]
    assert facts["options"] == {
        "student": "textcnn",
        "clean": {"urls": "remove"},
        "dim": 8,
        "filters": 8,
        "epochs": 8,
        "batch_size": 8,
    }
    assert fenlei.load("small").filters == 8


def test_of_one_file_a_part_is_measured_on(capsys, trained, more):
    code, out, err = run(
        capsys, "compress", trained, "--to", "pruned", "--data", "train.jsonl", "--set", "keep=0.5", "--out", "small",
        "--json", "--max-loss", "20",
    )  # fmt: skip
    assert code == 0, err
    found = json.loads(out)
    assert found["n_texts"] == 12
    assert found["notes"] == ["train.jsonl: 48 of its texts are learned from, the other 12 measured on"]
    assert found["after"]["bytes"] < found["before"]["bytes"]
    assert fenlei.load("small").filters == [4, 4, 4, 4]


def test_a_trimmed_model_tells_what_stays(capsys, trained, more):
    code, out, err = run(capsys, "compress", trained, "--to", "trimmed", "--texts", "plain.txt", "--out", "small")
    assert code == 0, err
    assert "tokens stay" in err
    assert "same answer" in out
    kept = fenlei.load("small").inputs_.tokens_
    assert set(kept[2:]) <= set("真好看不难很啊")
    assert len(kept) < len(fenlei.load(trained).inputs_.tokens_)


def test_columns_are_of_the_labelled_files(capsys, trained, more, tmp_path):
    (tmp_path / "train.csv").write_text("评论,标签x\n" + "很好看呀,好\n很难看呀,差\n" * 5, encoding="utf-8")
    columns = ("--text", "评论", "--label", "标签x")
    code, _, err = run(
        capsys, "compress", trained, "--to", "pruned", "--data", "train.csv", "--texts", "plain.txt", *columns,
        "--set", "epochs=0", "--max-loss", "100", "--out", "small",
    )  # fmt: skip
    assert code == 0, err
    code, _, err = run(
        capsys, "compress", trained, "--to", "pruned", "--texts", "plain.txt", *columns, "--out", "other"
    )
    assert (code, "text='评论' means nothing for a file of format txt" in err) == (2, True)


def test_a_doubtful_encoding_of_texts_is_told(capsys, trained, data, tmp_path):
    (tmp_path / "b.txt").write_bytes(("這個產品的質量非常好\n服務態度太差了\n" * 5).encode("big5"))
    code, _, err = run(
        capsys, "compress", trained, "--to", "pruned", "--data", data, "--texts", "b.txt", "--set", "epochs=0",
        "--max-loss", "100", "--out", "small",
    )  # fmt: skip
    assert (code, err.count("fenlei: warning: b.txt: read as gb18030, but")) == (0, 1)


def test_several_labels_a_text(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [("红花", ["红", "花"]), ("红车", ["红"]), ("白花", ["花"]), ("白车", [])] * 15
    lines = [json.dumps({"text": f"{text}{i}", "labels": labels}) for i, (text, labels) in enumerate(rows)]
    (tmp_path / "all.jsonl").write_text("\n".join(lines), encoding="utf-8")
    texts, labels = [text for text, _ in rows], [labels for _, labels in rows]
    fenlei.save(fenlei.TfidfClassifier().fit(texts, labels), "whole")
    code, out, err = run(
        capsys, "compress", "whole", "--to", "distilled", "--data", "all.jsonl", *TINY, "--max-loss", "100",
        "--out", "small", "--json",
    )  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["n_texts"] == 12
    assert fenlei.load("small").multi_label_


@pytest.mark.parametrize("option", ["--data", "--train"])
def test_labels_of_another_kind_are_refused_before_any_work(capsys, trained, data, tmp_path, monkeypatch, option):
    monkeypatch.setattr(fenlei.persistence, "load", lambda folder: pytest.fail("nothing is to be done"))
    (tmp_path / "lists.ft").write_text("__label__好 好看\n__label__好 __label__差 一般\n", encoding="utf-8")
    code, _, err = run(capsys, "compress", trained, "--to", "distilled", option, "lists.ft", "--out", "small")
    assert code == 2
    assert "lists.ft, row 2: the text has 2 labels, where the model takes one for each text" in err


def test_single_labels_for_a_model_of_several(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts, labels = ["红花", "红车", "白花", "白车"] * 5, [["红", "花"], ["红"], ["花"], []] * 5
    fenlei.save(fenlei.TfidfClassifier().fit(texts, labels), "whole")
    (tmp_path / "ones.ft").write_text("".join(f"__label__红 红车{i}\n" for i in range(20)), encoding="utf-8")
    code, _, err = run(
        capsys, "compress", "whole", "--to", "distilled", "--data", "ones.ft", *TINY, "--set", "truth=0.5",
        "--max-loss", "100", "--out", "small",
    )  # fmt: skip
    assert code == 0, err
    assert "ones.ft: each text has one label" in err


def test_interrupted_nothing_is_written(capsys, trained, data, tmp_path, monkeypatch):
    def interrupted(model):
        raise KeyboardInterrupt

    monkeypatch.setitem(fenlei.compress.methods.METHODS, "folded", interrupted)
    before = sorted(tmp_path.iterdir())
    code, out, _ = run(capsys, "compress", trained, "--to", "folded", "--out", "small")
    assert code != 0
    assert out == ""
    assert sorted(tmp_path.iterdir()) == before


def test_the_reference_for_monitoring_goes_along(capsys, trained, data):
    model = fenlei.load(trained)
    fenlei.save(model, "whole", extra={"reference.json": b"{}"})
    run(capsys, "compress", "whole", "--to", "folded", "--out", "small")
    assert (fenlei.persistence.read_extra("small", "reference.json")) == b"{}"
