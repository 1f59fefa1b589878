"""Students learn what their teacher answers, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest

import fenlei
from fenlei.compress.distilling import distill, made_texts, student_settings
from fenlei.engine.recipe import Run
from fenlei.exceptions import NotFittedError, SettingError, UnknownNameError

pytest.importorskip("torch")

TINY = {
    "augment": 0,
    "dim": 16,
    "epochs": 40,
    "batch_size": 8,
    "learning_rate": 0.01,
    "precision": "float32",
    "dropout": 0.0,
}


@pytest.fixture
def teacher(chinese):
    return fenlei.TfidfClassifier().fit(chinese.texts, chinese.labels)


@pytest.mark.parametrize(("student", "more"), [("textcnn", {"filters": 8}), ("fasttext", {"buckets": 1000})])
def test_a_student_answers_as_its_teacher(teacher, chinese, student, more):
    texts = chinese.texts + chinese.new_texts
    small = distill(teacher, texts=texts, student=student, temperature=1.0, embedding_dropout=0.0, **TINY, **more)
    assert small.family == student
    assert small.predict(texts).tolist() == teacher.predict(texts).tolist()
    assert np.abs(small.predict_proba(texts) - teacher.predict_proba(texts)).max() < 0.1  # not 0 and 1
    assert small.classes_.tolist() == teacher.classes_.tolist()


def test_probabilities_are_learned_at_any_temperature(teacher, chinese):
    small = distill(
        teacher, texts=chinese.texts, temperature=3.0, filters=8, embedding_dropout=0.0, **(TINY | {"epochs": 120})
    )
    assert np.abs(small.predict_proba(chinese.texts) - teacher.predict_proba(chinese.texts)).max() < 0.1


def test_labels_may_overrule_the_teacher(teacher, chinese):
    others = {"好评": "差评", "差评": "好评"}
    wrong = [others[label] for label in chinese.labels]
    small = distill(teacher, train=(chinese.texts, wrong), truth=1.0, filters=8, embedding_dropout=0.0, **TINY)
    assert small.predict(chinese.texts).tolist() == wrong


def test_multi_label(english):
    labels = [["film", "pos"] if "film" in text else ["pos"] for text in english.texts[:5]]
    labels += [["film"] if "film" in text else [] for text in english.texts[5:]]
    teacher = fenlei.TfidfClassifier().fit(english.texts, labels)
    small = distill(teacher, texts=english.texts, temperature=1.5, filters=16, embedding_dropout=0.0, **TINY)
    assert small.multi_label_
    assert small.predict(english.texts) == teacher.predict(english.texts)


def test_an_encoder_may_be_student_and_teacher(chinese, tiny_encoder, tmp_path):
    settings = {"encoder": str(tiny_encoder), "precision": "float32", "batch_size": 4, "epochs": 12}
    teacher = distill(
        fenlei.TfidfClassifier().fit(chinese.texts, chinese.labels), texts=chinese.texts, student="encoder",
        truth=0.0, temperature=1.0, learning_rate=0.002, **settings,
    )  # fmt: skip
    small = distill(teacher, texts=chinese.texts, temperature=1.0, filters=8, embedding_dropout=0.0, **TINY)
    assert small.predict(chinese.texts).tolist() == teacher.predict(chinese.texts).tolist()
    loaded = fenlei.load(fenlei.save(small, tmp_path / "small"))
    assert (loaded.predict_proba(chinese.texts) == small.predict_proba(chinese.texts)).all()
    assert loaded.get_params() == small.get_params()


def test_a_seed_means_one_student(teacher, chinese):
    settings = TINY | {"epochs": 2, "filters": 4, "augment": 1}
    one, same, other = (distill(teacher, texts=chinese.texts, seed=seed, **settings) for seed in (1, 1, 2))
    texts = chinese.new_texts
    assert (one.predict_proba(texts) == same.predict_proba(texts)).all()
    assert (one.predict_proba(texts) != other.predict_proba(texts)).any()


def test_students_learn_longer_and_with_less_noise(teacher, chinese):
    small = distill(teacher, texts=chinese.texts, dim=4, filters=2, stop_after=1)
    assert (small.epochs, small.dropout, small.embedding_dropout, small.label_smoothing) == (30, 0.25, 0.2, 0.0)


def test_few_texts_are_made_more(teacher, chinese):
    told = []
    distill(teacher, texts=chinese.texts, dim=4, filters=2, stop_after=1, run=Run(progress=told.append))
    asked = [one.steps for one in told if one.before]
    assert asked == [6 * len(chinese.texts)]


def test_made_texts_are_pieces_of_given_ones():
    texts = ["房间很干净，下次还来", "a warm and funny film with a great cast", "", "好"]
    made = made_texts(texts, 3)
    assert made == made_texts(texts, 3) != made_texts(texts, 3, seed=1)
    assert len(made) == 12
    assert all(made[i] in texts[i % 4] for i in (0, 1, 2, 3, 8, 9, 10, 11))
    assert any(made[i] not in texts[i - 4] for i in (4, 5, 6, 7))  # pieces of two
    assert made_texts(texts, 0) == []


def test_settings_of_the_student_are_named():
    assert {"filters", "epochs"} <= set(student_settings({}))
    assert {"buckets"} <= set(student_settings({"student": "fasttext"}))


class TestRefusals:
    def test_of_a_student_that_takes_no_probabilities(self, teacher):
        with pytest.raises(SettingError, match="a tfidf does not learn from probabilities; choose a network"):
            distill(teacher, texts=["好"], student="tfidf")

    def test_of_an_unknown_one(self, teacher):
        with pytest.raises(UnknownNameError, match="did you mean 'textcnn'"):
            distill(teacher, texts=["好"], student="textcn")

    def test_of_no_texts(self, teacher):
        with pytest.raises(SettingError, match="a student learns from texts, and there are none"):
            distill(teacher)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("temperature", 0), ("temperature", "warm"), ("temperature", True), ("truth", -1), ("truth", "abc"),
            ("truth", 1.5), ("augment", -1), ("augment", 1.5), ("augment", "two"), ("filters", -3), ("epochs", 0),
            ("learning_rate", "fast"),
        ],
    )  # fmt: skip
    def test_of_options_out_of_range_before_the_teacher_is_asked(self, teacher, name, value):
        teacher.predict_proba = lambda texts: pytest.fail("the teacher was asked")
        with pytest.raises(SettingError, match=f"{name} must be"):
            distill(teacher, train=(["好"], ["好评"]), **{name: value})

    def test_of_an_untrained_teacher(self):
        with pytest.raises(NotFittedError):
            distill(fenlei.TfidfClassifier(), texts=["好"])
