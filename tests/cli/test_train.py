"""``fenlei train`` as a user types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import fenlei
from fenlei.cli.config import parse_setting, read_config
from fenlei.cli.main import main
from fenlei.exceptions import DataError, SettingError
from fenlei.persistence import read_manifest


@pytest.fixture
def reviews(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "reviews.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["评论", "label"])
        for i in range(40):
            writer.writerow([f"{('好看', '难看')[i % 2]} 第{i}次", ("好", "差")[i % 2]])
    return "reviews.csv"


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    said = capsys.readouterr()
    return end.value.code or 0, said.out, said.err


def test_one_command_gives_a_model_and_a_report(capsys, reviews):
    code, out, _ = run(capsys, "train", reviews)
    assert code == 0
    assert "validation" in out
    assert "reviews-tfidf" in out
    assert fenlei.load("reviews-tfidf").predict(["很好看"]).tolist() == ["好"]
    assert read_manifest("reviews-tfidf").files["report.html"].size > 10_000


def test_json_is_one_document(capsys, reviews):
    code, out, _ = run(capsys, "train", reviews, "--json", "--out", "m", "--model", "nbsvm", "--no-learning-curve")
    found = json.loads(out)
    assert code == 0
    assert (found["model"], found["family"]) == ("m", "nbsvm")
    assert {"accuracy", "f1_macro", "f1_micro", "per_class", "n"} <= set(found["validation"])
    assert found["seconds"] >= found["steps"]["fit"] > 0


def test_settings_and_a_config_file(capsys, reviews):
    Path("run.toml").write_text(
        'out = "from-file"\nseed = 3\ndrop-duplicates = true\n[set]\nC = 0.5\nclean.urls = "remove"\n', "utf-8"
    )
    code, _, _ = run(capsys, "train", reviews, "--config", "run.toml", "--set", "C=2", "--set", "ngrams=[1,2]")
    assert code == 0
    model = fenlei.load("from-file")
    assert (model.C, list(model.ngrams), model.seed, model.clean) == (2, [1, 2], 3, {"urls": "remove"})


def test_streaming(capsys, reviews):
    code, _, _ = run(capsys, "train", reviews, "--stream", "--set", "hash_bits=12", "--out", "m")
    assert code == 0
    assert fenlei.load("m").predict(["很好看"]).tolist() == ["好"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "segmentr=jieba"], "did you mean 'segmenter'"),
        (["--set", "C"], "KEY=VALUE"),
        (["--set", "C=-1"], "C must be a number above 0"),
        (["--model", "bert"], "unknown model family 'bert'"),
        (["--label", "nolabel"], "nolabel"),
        (["--config", "missing.toml"], "missing.toml"),
        (["--stream", "--drop-duplicates"], "--drop-duplicates"),
        (["--stream", "--model", "nbsvm"], "nbsvm"),
        (["--test", "missing.csv"], "missing.csv"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_two(capsys, reviews, arguments, words, tmp_path):
    code, out, err = run(capsys, "train", reviews, *arguments)
    assert code == 2
    assert out == ""
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} == {"reviews.csv"}


def test_values_are_json_where_they_read_as_json():
    assert parse_setting("a=1") == ("a", 1)
    assert parse_setting("a=true") == ("a", True)
    assert parse_setting("a=None") == ("a", None)
    assert parse_setting("a=x=y") == ("a", "x=y")
    assert parse_setting('a={"b": [1]}') == ("a", {"b": [1]})


def test_config_refuses_what_it_does_not_know(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("modle = 'x'")
    with pytest.raises(SettingError, match="did you mean 'model'"):
        read_config(str(path), {"model": None, "settings": ()})
    path.write_text("= broken")
    with pytest.raises(DataError, match="is not TOML"):
        read_config(str(path), {"model": None, "settings": ()})
