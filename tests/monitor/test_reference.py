"""What training looked like: counted right, kept in the model folder, read without the model."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import fenlei
from fenlei.data.dataset import Dataset
from fenlei.data.readers import read
from fenlei.evaluation.metrics import evaluate_scores
from fenlei.exceptions import ModelFolderError
from fenlei.monitor import reference_builder
from fenlei.monitor.bins import UNKNOWN_EDGES, Bins, equal_bins
from fenlei.monitor.reference import TrainingReference, describe_text, load_reference
from fenlei.monitor.reference_builder import ReferenceBuilder, training_reference
from fenlei.segment.language import detect_language, text_language
from fenlei.train.run import TrainPlan, train_model
from fenlei.train.stream import train_stream

TEXTS = [f"第{i}次来，{word}" for i in range(30) for word in ("很好", "很差")]
LABELS = ["好评", "差评"] * 30
PLAN = TrainPlan(audit=False, learning_curve=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "shop"
    train_model(Dataset(TEXTS, LABELS, range(1, 61), "memory"), plan=PLAN, out=out)
    return out


def measured(n, right=0.9):
    """An evaluation of n texts, half of them `good`, some of which are answered wrongly."""
    scores = np.array([[right, 1 - right], [1 - right, right]] * (n // 2))
    return evaluate_scores(["bad", "good"], scores, ["bad", "good"] * (n // 2), resamples=1)


def test_equal_bins_hold_about_equally_many():
    values = np.random.default_rng(2).lognormal(3, 1, 10_000).astype(int)
    bins = equal_bins(Counter(values.tolist()))
    assert len(bins.counts) == 10
    assert bins.n == 10_000
    assert max(bins.counts) < 2 * min(bins.counts)
    places = np.searchsorted(bins.edges, values, side="right")
    assert np.bincount(places).tolist() == list(bins.counts)
    assert [bins.place(value) for value in values[:100]] == places[:100].tolist()


@pytest.mark.parametrize(
    ("times", "edges", "counts"),
    [
        ({}, (), (0,)),
        ({5: 1000}, (), (1000,)),
        ({0: 900, 7: 50, 9: 50}, (7.0, 9.0), (900, 50, 50)),
        (dict.fromkeys(range(20), 1), tuple(float(i) for i in range(2, 20, 2)), (2,) * 10),
    ],
)
def test_equal_bins_of_odd_counts(times, edges, counts):
    assert equal_bins(times) == Bins(edges, counts)


def test_lengths_languages_labels_and_unknown_characters():
    found = training_reference([*TEXTS, "only English", "こんにちは"], [*LABELS, "好评", ["好评", "差评"]])
    assert (found.n, found.lengths.n, found.multi_label) == (62, 62, True)
    assert found.languages == {"zh": 60, "en": 1, "other": 1}
    assert found.labels == {"好评": 32, "差评": 31}
    assert (found.labels_are_answers, found.scores, found.accuracy) == (False, None, None)
    assert found.unknown.edges == UNKNOWN_EDGES
    assert found.unknown.n == 31
    assert found.unknown_share("很好𠮷𠮷") == 0.5
    assert found.unknown_share("") == 0


def test_answers_and_scores_of_enough_held_out_texts_are_the_yardstick():
    found = training_reference(TEXTS, LABELS, measured(400), measured(100, right=0.4))
    assert found.labels_are_answers
    assert found.labels == {"bad": 200, "good": 200}
    assert (found.scores.n, len(found.scores.counts)) == (400, 1)
    assert (found.accuracy, found.n_accuracy) == (0.0, 100)  # of the test set
    assert training_reference(TEXTS, LABELS, measured(198)).labels == {"好评": 30, "差评": 30}


def test_a_sample_stands_for_many_texts(monkeypatch):
    monkeypatch.setattr(reference_builder, "_SAMPLE", 1000)
    texts = ["好" * 5] * 6000 + ["good"] * 4000
    found = training_reference(texts, ["x"] * 10_000)
    assert sum(found.languages.values()) == 1000
    assert found.languages["en"] == pytest.approx(400, abs=60)
    assert found.lengths.n == 10_000


def test_rows_that_alternate_share_an_alphabet():
    found = training_reference(["很好", "bad"] * 100, ["a", "b"] * 100)
    assert found.unknown.counts == (100, 0, 0, 0, 0)


def test_in_parts_it_is_the_same():
    builder = ReferenceBuilder()
    for start in range(0, 60, 7):
        builder.add(TEXTS[start : start + 7], LABELS[start : start + 7])
    assert builder.finish().to_bytes() == training_reference(TEXTS, LABELS).to_bytes()


@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800" * 5, "😀" * 3000, "x" * 100_000])
def test_any_text_has_facts(text):
    reference = training_reference([*TEXTS, text, text], [*LABELS, "\ud800", "x"])
    assert TrainingReference.from_bytes(reference.to_bytes()) == reference
    facts = describe_text(text, reference)
    assert facts.length == len(text)
    assert 0 <= facts.unknown <= 1
    assert describe_text(text).unknown is None


def test_one_text_has_the_language_of_a_set_of_one():
    pieces = ["的房间", "abc", "é", "のカ", "привет", "123", " ,.!", "〇々", "\ud800"]
    choose = random.Random(5)
    for _ in range(500):
        text = "".join(choose.choices(pieces, k=choose.randrange(8)))
        assert text_language(text) == detect_language([text]).name


def test_training_writes_it_and_it_is_read_without_the_model(folder):
    found = load_reference(folder)
    assert (found.n, found.labels, found.n_accuracy) == (60, {"好评": 30, "差评": 30}, 6)
    assert fenlei.load(folder).predict(["很好"]).tolist() == ["好评"]
    code = (
        f"from fenlei.monitor.reference import load_reference as f; import sys; f({str(folder)!r}); print(*sys.modules)"
    )
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "sklearn", "scipy", "numba", "sqlalchemy"} & set(names)


def test_streaming_writes_it_too(tmp_path):
    from fenlei.data.dataset import Record

    def rows():
        return (Record(i, text * 1, label) for i, (text, label) in enumerate(zip(TEXTS * 5, LABELS * 5, strict=True)))

    trained = train_stream(rows, source="memory", plan=PLAN, out=tmp_path / "m")
    found = load_reference(tmp_path / "m")
    assert found.n == trained.n_train
    assert found.accuracy == trained.validation.metrics["accuracy"]


def test_a_folder_without_it_has_none(tmp_path):
    model = fenlei.TfidfClassifier().fit(TEXTS, LABELS)
    assert load_reference(fenlei.save(model, tmp_path / "m")) is None


def test_a_changed_one_is_refused(folder, tmp_path):
    import shutil

    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "reference.json").write_bytes(b"{}")
    with pytest.raises(ModelFolderError, match=r"reference\.json"):
        load_reference(copy)
    (copy / "reference.json").unlink()
    with pytest.raises(ModelFolderError, match="missing"):
        load_reference(copy)
    with pytest.raises(ModelFolderError, match="no such model folder"):
        load_reference(tmp_path / "none")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"n": "3"}, {"extra": 1}, {"labels": {"a": 1.5}}, {"labels": []}, {"alphabet": 3},
        {"lengths": {"edges": [1], "counts": [1]}}, {"lengths": {"edges": [2, 1], "counts": [1, 1, 1]}},
        {"lengths": {"edges": ["x"], "counts": [1, 1]}}, {"lengths": {"edges": [], "counts": [-1]}}, {"scores": 1},
        {"unknown": {"edges": [0.5], "counts": [1, 1]}}, {"accuracy": "high"}, {"multi_label": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_strangers_reference_is_refused(change):
    plain = json.loads(training_reference(TEXTS, LABELS).to_bytes()) | change
    with pytest.raises(ModelFolderError, match=r"reference\.json"):
        TrainingReference.from_bytes(json.dumps(plain).encode())


def test_real_texts_look_like_themselves():
    """On held-out texts of the same set nothing drifts; on another set's everything does."""
    from fenlei.monitor.drift import Counted, compare

    data = Path(__file__).parents[2].parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the public data sets are not beside the repository")
    train, test = (read(str(data / "waimai" / f"{name}.jsonl")) for name in ("train", "test"))
    other = read(str(data / "chnsenticorp" / "test.jsonl"))
    reference = training_reference(train.texts, train.targets)

    def drifts(texts):
        facts = [describe_text(text, reference) for text in texts]
        rows = {"length": reference.lengths, "unknown": reference.unknown}
        now = {name: Counter(bins.place(getattr(one, name)) for one in facts) for name, bins in rows.items()}
        names = {name: tuple(map(str, range(len(bins.counts)))) for name, bins in rows.items()}
        return compare([
            Counted(name, names[name], bins.counts, tuple(now[name][place] for place in range(len(bins.counts))))
            for name, bins in rows.items()
        ])  # fmt: skip

    assert {drift.verdict for drift in drifts(test.texts)} == {"none"}
    assert {drift.verdict for drift in drifts(other.texts)} == {"strong"}
