"""Training on rows that are never all in memory."""

from __future__ import annotations

import json

import pytest

import fenlei
from fenlei.data.dataset import Dataset, Record
from fenlei.data.readers import stream
from fenlei.exceptions import DataError, SettingError
from fenlei.train.run import TrainPlan
from fenlei.train.stream import train_stream

PLAN = TrainPlan(settings={"hash_bits": 12}, fraction=0.2)


def rows(n: int = 400):
    words = ("好看", "好吃", "good"), ("难看", "难吃", "bad")
    return [Record(i + 1, f"第{i}条 {words[i % 2][i % 3]}", ("pos", "neg")[i % 2]) for i in range(n)]


def test_learns_from_two_passes(tmp_path):
    opened = []

    def open_rows():
        opened.append(1)
        return iter(rows())

    trained = train_stream(open_rows, source="big.jsonl", plan=PLAN, out=tmp_path / "m")
    assert len(opened) == 2
    assert trained.n_train + trained.validation.n == 400
    assert 40 < trained.validation.n < 120
    assert trained.validation.metrics["accuracy"] > 0.95
    assert fenlei.load(tmp_path / "m").predict(["真好看", "very bad"]).tolist() == ["pos", "neg"]


def test_copies_of_a_text_stay_on_one_side():
    copies = [Record(i + 1, f"文本{i % 50}", "ab"[i % 2]) for i in range(400)]
    trained = train_stream(lambda: iter(copies), source="x", plan=PLAN)
    assert trained.validation.n % 8 == 0


def test_multi_label_rows():
    many = [
        Record(i + 1, ["好看 便宜", "好看", "便宜"][i % 3] + str(i), [["a", "b"], ["a"], ["b"]][i % 3])
        for i in range(300)
    ]
    trained = train_stream(lambda: iter(many), source="x", plan=PLAN)
    assert trained.model.multi_label_
    assert trained.model.predict(["好看 便宜"]) == [["a", "b"]]


def test_a_test_set_is_measured(tmp_path):
    test = Dataset(["好看", "难看"], ["pos", "neg"], [1, 2], "test.jsonl")
    assert train_stream(lambda: iter(rows()), source="x", test=test, plan=PLAN).test.metrics["accuracy"] == 1


def test_labels_to_measure_with_are_of_the_kind_learned():
    many = [Record(i + 1, f"{'好看 便宜'[: 2 + i % 2 * 3]} {i}", ["a", ["a", "b"]][i % 2]) for i in range(300)]
    ones = Dataset(["好看"], ["a"], [1], "ones.ft")
    assert train_stream(lambda: iter(many), source="x", test=ones, plan=PLAN).test.multi_label
    told = []
    with pytest.raises(DataError, match=r"lists\.jsonl, row 7: the text has no labels"):
        train_stream(
            lambda: iter(rows()), source="x", test=Dataset(["好"], [[]], [7], "lists.jsonl"), plan=PLAN,
            progress=told.append,
        )  # fmt: skip
    assert told == ["reading the labels"]


def test_a_missing_label_names_its_row():
    broken = [*rows(10), Record(11, "x", None)]
    with pytest.raises(DataError, match=r"x\.jsonl, row 11: there is no label"):
        train_stream(lambda: iter(broken), source="x.jsonl", plan=PLAN)


def test_a_family_that_cannot_learn_from_parts_is_refused():
    with pytest.raises(SettingError, match="nbsvm"):
        train_stream(lambda: iter(rows()), source="x", plan=TrainPlan(model="nbsvm"))


def test_streams_a_real_file(tmp_path):
    path = tmp_path / "big.jsonl"
    path.write_text(
        "\n".join(json.dumps({"text": r.text, "label": r.target}, ensure_ascii=False) for r in rows()), "utf-8"
    )
    trained = train_stream(lambda: stream(str(path)), source=str(path), plan=PLAN)
    assert trained.validation.metrics["accuracy"] > 0.95


def test_a_file_sorted_by_label_is_shuffled():
    by_label = sorted(rows(2000), key=lambda record: record.target)
    trained = train_stream(lambda: iter(by_label), source="sorted.jsonl", plan=PLAN)
    assert trained.validation.metrics["accuracy"] > 0.95


def test_runs_of_a_label_too_long_to_shuffle_are_told(monkeypatch):
    monkeypatch.setattr("fenlei.train.stream._BUFFER", 50)
    by_label = sorted(rows(400), key=lambda record: record.target)
    (message,) = train_stream(lambda: iter(by_label), source="sorted.jsonl", plan=PLAN).messages
    assert "200 rows of one label" in message


def test_held_out_texts_have_no_copy_among_the_learned_ones(monkeypatch):
    monkeypatch.setattr("fenlei.train.stream._MOST_HELD_OUT", 40)
    twice = [Record(i + 1, f"文本{i % 400} {'好' if i % 2 else '坏'}", "ab"[i % 2]) for i in range(800)]
    trained = train_stream(lambda: iter(twice), source="x", plan=PLAN)
    assert 0 < trained.validation.n < 100
    assert trained.validation.n % 2 == 0
