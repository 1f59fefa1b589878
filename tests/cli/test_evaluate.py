"""``fenlei evaluate`` on small files, with a model that needs no training."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

import fenlei.persistence
from fenlei._unread import Unread
from fenlei.cli.evaluate import evaluate_command
from fenlei.exceptions import DataError

ROWS = [("很好吃", "好评"), ("太差了", "差评"), ("一般好", "差评"), ("好\ud800", "好评")]


class Keyword:
    """Says 好评 where the text has 好."""

    classes_, multi_label_, family, language_ = np.array(["好评", "差评"]), False, "keyword", "zh"

    def predict_proba(self, texts):
        return np.array([[0.8, 0.2] if "好" in text else [0.1, 0.9] for text in texts])

    def get_params(self):
        return {"word": "好"}


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fenlei.persistence, "load", lambda folder: Keyword())
    lines = [json.dumps({"text": text, "label": label}) for text, label in ROWS]
    (tmp_path / "test.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return "test.jsonl"


def run(*arguments):
    return CliRunner().invoke(evaluate_command, arguments, catch_exceptions=False)


def test_json(data):
    result = run("model", data, "--json")
    found = json.loads(result.stdout)
    assert (found["n"], found["accuracy"]) == (4, 0.75)
    assert {"f1_macro", "f1_micro", "per_class", "intervals"} <= set(found)
    assert [(error["row"], error["text"]) for error in found["errors"]] == [(3, "一般好")]
    assert "too narrow" in result.stderr


def test_texts_that_are_read_in_part(data, tmp_path, monkeypatch):
    class Short(Keyword):
        def predict_proba(self, texts):
            Unread(len(texts), 2, 5, max_length=2).tell()
            return super().predict_proba(texts)

    monkeypatch.setattr(fenlei.persistence, "load", lambda folder: Short())
    result = run("model", data, "--json", "--report", "r.html")
    told = "2 of 4 texts are longer than max_length=2: 5 tokens at their ends are not read"
    assert result.stderr.count(f"fenlei: warning: {told}\n") == 1
    assert told in json.loads(result.stdout)["warnings"]
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert told in html and "4 条文本中有 2 条长于 max_length=2" in html


def test_tables(data):
    result = run("model", data)
    assert result.exit_code == 0
    assert "4 texts, 1 wrong" in result.stdout and "0.7500" in result.stdout and "差评" in result.stdout


def test_report(data, tmp_path):
    result = run("model", data, "--report", "out/r.html", "--seed", "7")
    html = (tmp_path / "out" / "r.html").read_text(encoding="utf-8")
    assert "out/r.html" in result.stdout
    assert "fenlei evaluate model test.jsonl --seed 7 --report out/r.html" in html
    assert "keyword" in html and "一般好" in html


def test_columns_can_be_named(tmp_path, data):
    (tmp_path / "t.csv").write_text("评论,类别\n很好,好评\n差,差评\n", encoding="gb18030")
    result = run("model", "t.csv", "--text", "评论", "--label", "类别", "--encoding", "gb18030", "--json")
    assert json.loads(result.stdout)["accuracy"] == 1.0


def test_labels_of_another_kind(tmp_path, data, monkeypatch):
    (tmp_path / "t.csv").write_text("text,label\n很好,好评\n差,差评|贵\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"t\.csv, row 3: the text has 2 labels, where the model takes one"):
        run("model", "t.csv", "--separator", "|")

    class Several(Keyword):
        multi_label_ = True

    monkeypatch.setattr(fenlei.persistence, "load", lambda folder: Several())
    result = run("model", data, "--json")
    assert json.loads(result.stdout)["n"] == 4
    assert "test.jsonl: each text has one label, where the model takes lists of them" in result.stderr


def test_unlabelled_data(tmp_path, data):
    (tmp_path / "t.txt").write_text("很好\n", encoding="utf-8")
    with pytest.raises(DataError, match="needs labels"):
        run("model", "t.txt")


def test_a_seed_below_zero_is_a_wrong_setting(data):
    result = run("model", data, "--seed", "-1")
    assert result.exit_code == 2
    assert "-1 is not in the range x>=0" in result.stderr
