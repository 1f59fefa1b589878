"""``fenlei train`` as a user types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import fenlei
from fenlei.cli.config import parse_settings
from fenlei.cli.main import main
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


def test_doubtful_encodings_of_streamed_files_are_told_once(capsys, reviews):
    lines = [f"第{i}次，{('質量非常好', '態度太差了')[i % 2]},{('好', '差')[i % 2]}" for i in range(60)]
    for name, part in (("b.csv", lines), ("t.csv", lines[:7])):
        Path(name).write_bytes("\n".join(["text,label", *part]).encode("big5"))
    code, out, err = run(
        capsys, "train", "b.csv", "--stream", "--set", "hash_bits=12", "--out", "m", "--test", "t.csv", "--json"
    )
    assert (code, [err.count(f"fenlei: {name}: read as gb18030, but") for name in ("b.csv", "t.csv")]) == (0, [1, 1])
    assert len(json.loads(out)["messages"]) == 2


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
    pairs = {"a=1": 1, "a=true": True, "a=None": None, "a=x=y": "x=y", 'a={"b": [1]}': {"b": [1]}}
    for pair, value in pairs.items():
        assert parse_settings([pair]) == {"a": value}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("modle = 'x'", "did you mean 'model'"),
        ("= broken", "is not TOML"),
        ("seed = 'x'", "seed"),
        ("stream = 'perhaps'", "stream"),
        ("set = 3", "[set] must be a table"),
        ("model = 1", "unknown model family '1'"),
    ],
)
def test_a_config_file_is_checked_as_the_command_line_is(capsys, reviews, content, words):
    Path("c.toml").write_text(content)
    code, _, err = run(capsys, "train", reviews, "--config", "c.toml")
    assert code == 2
    assert words in err


def test_a_config_file_can_switch_off_what_is_on(capsys, reviews):
    Path("c.toml").write_text("refit = false\naudit = false\nlearning-curve = false\nfraction = 0.2\n")
    _, out, _ = run(capsys, "train", reviews, "--config", "c.toml", "--json")
    found = json.loads(out)
    assert found["n_train"] == 32
    assert not {"audit", "learning curve", "fit on all"} & set(found["steps"])
    _, out, _ = run(capsys, "train", reviews, "--config", "c.toml", "--refit", "--json")
    assert json.loads(out)["n_train"] == 40


def test_seed_may_be_a_setting_too(capsys, reviews):
    assert run(capsys, "train", reviews, "--set", "seed=5", "--out", "m")[0] == 0
    assert fenlei.load("m").seed == 5


def test_nothing_is_written_into_a_model_folder(capsys, reviews):
    run(capsys, "train", reviews, "--out", "m")
    for arguments in (
        ["train", reviews, "--out", "m/sub"],
        ["evaluate", "m", reviews, "--report", "m/report.html"],
        ["predict", "m", reviews, "--text", "评论", "--output", "m/out.jsonl"],
    ):
        code, _, err = run(capsys, *arguments)
        assert code == 2
        assert "lies in the model folder" in err
    fenlei.load("m")


def test_a_report_never_overwrites_the_data(capsys, reviews):
    run(capsys, "train", reviews, "--out", "m")
    before = Path(reviews).read_bytes()
    code, _, err = run(capsys, "evaluate", "m", reviews, "--report", reviews)
    assert code == 2
    assert "*.html" in err
    assert Path(reviews).read_bytes() == before


def test_a_model_that_will_be_replaced_is_named(capsys, reviews):
    run(capsys, "train", reviews, "--out", "m")
    assert "the model in m will be replaced" in run(capsys, "train", reviews, "--out", "m")[2]


def test_litter_of_file_managers_does_not_spoil_a_model(capsys, reviews):
    run(capsys, "train", reviews, "--out", "m")
    Path("m/.DS_Store").write_bytes(b"\0")
    fenlei.load("m")
    assert run(capsys, "train", reviews, "--out", "m")[0] == 0
