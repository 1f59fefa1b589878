"""``fenlei score``: a file in, a file out, and what is told on the way."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from fenlei import TfidfClassifier, save
from fenlei.cli.score import score_command
from fenlei.exceptions import DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    model = TfidfClassifier().fit(["很好", "好看", "很差", "难看"], ["好评", "好评", "差评", "差评"])
    return str(save(model, tmp_path_factory.mktemp("models") / "m"))


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A model that reads four tokens of a text."""
    pytest.importorskip("torch")
    from fenlei.models.textcnn import TextCnnClassifier

    settings = {"max_length": 4, "filters": 2, "widths": (1,), "dim": 4, "epochs": 1}
    model = TextCnnClassifier(**settings).fit(["很好", "很差"], ["好评", "差评"])
    return str(save(model, tmp_path_factory.mktemp("models") / "short"))


def run(*arguments, stdin=None):
    return CliRunner().invoke(score_command, arguments, input=stdin, catch_exceptions=False)


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_file(folder, tmp_path):
    data, out = tmp_path / "in.csv", tmp_path / "out.jsonl"
    data.write_bytes("评价,label\n很好,x\n很差,y\n".encode("gb18030"))
    result = run(folder, str(data), "--output", str(out), "--proba")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{out}: 2 rows in ")
    assert [(row["label"], len(row["scores"])) for row in rows(out)] == [("好评", 2), ("差评", 2)]


def test_a_doubtful_encoding_is_told_once(folder, tmp_path):
    (tmp_path / "b.txt").write_bytes(("這個產品的質量非常好\n服務態度太差了\n" * 5).encode("big5"))
    result = run(folder, str(tmp_path / "b.txt"), "--output", str(tmp_path / "out.jsonl"))
    assert (result.exit_code, result.stderr.count(f"fenlei: {tmp_path}/b.txt: read as gb18030, but")) == (0, 1)


def test_json_and_columns(folder, tmp_path):
    data, out = tmp_path / "in.data", tmp_path / "out.jsonl"
    data.write_text("a;b\n1;很好\n", encoding="utf-8")
    arguments = ("--text", "b", "--delimiter", ";", "--format", "csv", "--top", "1", "--json")
    told = json.loads(run(folder, str(data), "--output", str(out), *arguments).stdout)
    assert told.keys() == {"output", "rows", "resumed", "seconds", "rows_per_second"}
    assert (told["rows"], told["resumed"]) == (1, 0)
    assert len(rows(out)[0]["scores"]) == 1


def test_standard_input(folder, tmp_path):
    assert run(folder, "-", "--output", str(tmp_path / "out.jsonl"), stdin="很好\n很差\n").exit_code == 0
    assert [row["label"] for row in rows(tmp_path / "out.jsonl")] == ["好评", "差评"]


def test_an_interrupted_run(folder, tmp_path):
    data, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    good = '{"text": "很好"}\n' * 17_000
    data.write_text(f"{good}oops\n", encoding="utf-8")
    with pytest.raises(DataError, match="row 17001"):
        run(folder, str(data), "--output", str(out))
    data.write_text(good, encoding="utf-8")
    result = run(folder, str(data), "--output", str(out))
    assert result.stderr == "fenlei: goes on after the 16,384 rows that an interrupted run left\n"
    assert len(rows(out)) == 17_000
    with pytest.raises(DataError, match="row 17001"):
        data.write_text(f"{good}oops\n", encoding="utf-8")
        run(folder, str(data), "--output", str(out))
    data.write_text('{"text": "很差"}\n', encoding="utf-8")
    assert run(folder, str(data), "--output", str(out), "--restart").exit_code == 0
    assert [row["label"] for row in rows(out)] == ["差评"]


def test_texts_that_are_read_in_part_are_told_of(short, tmp_path):
    result = run(short, "-", "--output", str(tmp_path / "out.jsonl"), "--json", stdin="很好\n很差很差很\n")
    assert result.stderr == "fenlei: 1 of 2 texts are longer than max_length=4: 1 tokens at their ends are not read\n"
    assert json.loads(result.stdout)["rows"] == 2


def test_the_output_is_a_file(folder):
    result = run(folder, "-", "--output", "-", stdin="很好\n")
    assert result.exit_code == 2
    assert "must be a file" in result.stderr
